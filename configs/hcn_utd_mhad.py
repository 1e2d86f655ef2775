_base_ = [
    '_base_/models/hcn.py',
    '_base_/datasets/utd_mhad.py',
    '_base_/schedules/adam_400e.py',
    '_base_/default_runtime.py',
]

model = dict(
    data_preprocessor=dict(layout='utd-mhad', origin_joint=2, rotation=0.3),
    backbone=dict(graph_cfg=dict(layout='utd-mhad')),
    cls_head=dict(num_classes=27),
)
auto_scale_lr = dict(base_batch_size=16)
