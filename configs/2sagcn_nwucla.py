_base_ = [
    '_base_/models/2sagcn.py',
    '_base_/datasets/nwucla.py',
    '_base_/schedules/sgd_50e.py',
    '_base_/default_runtime.py',
]

model = dict(
    data_preprocessor=dict(layout='nw-ucla'),
    backbone=dict(graph_cfg=dict(layout='nw-ucla'), num_person=1),
    cls_head=dict(num_classes=10),
)
auto_scale_lr = dict(base_batch_size=16)
