_base_ = [
    '_base_/models/hyperformer.py',
    '_base_/datasets/utd_mhad.py',
    '_base_/schedules/sgd_140e.py',
    '_base_/default_runtime.py',
]

model = dict(
    data_preprocessor=dict(layout='utd-mhad'),
    backbone=dict(graph_cfg=dict(layout='utd-mhad'), num_person=1),
    cls_head=dict(num_classes=27),
)
optim_wrapper = dict(optimizer=dict(weight_decay=0))
auto_scale_lr = dict(base_batch_size=16)
