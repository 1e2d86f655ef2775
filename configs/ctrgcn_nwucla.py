_base_ = [
    '_base_/models/ctrgcn.py',
    '_base_/datasets/nwucla.py',
    '_base_/schedules/sgd_65e.py',
    '_base_/default_runtime.py',
]

model = dict(
    data_preprocessor=dict(layout='nw-ucla', rotation=0),
    backbone=dict(graph_cfg=dict(layout='nw-ucla'), num_person=1),
    cls_head=dict(num_classes=10),
)
optim_wrapper = dict(optimizer=dict(weight_decay=1e-4))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.2, begin=0, end=5, by_epoch=True),
    dict(type='MultiStepLR', milestones=[50], gamma=0.1, by_epoch=True),
]
auto_scale_lr = dict(base_batch_size=16)
