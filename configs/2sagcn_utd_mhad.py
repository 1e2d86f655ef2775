_base_ = [
    '_base_/models/2sagcn.py',
    '_base_/datasets/utd_mhad.py',
    '_base_/schedules/sgd_50e.py',
    '_base_/default_runtime.py',
]

model = dict(
    data_preprocessor=dict(layout='utd-mhad', rotation=0.3),
    backbone=dict(graph_cfg=dict(layout='utd-mhad'), num_person=1),
    cls_head=dict(num_classes=27),
)
auto_scale_lr = dict(base_batch_size=16)
