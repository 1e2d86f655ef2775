_base_ = [
    '_base_/models/hyperformer.py',
    '_base_/datasets/nwucla.py',
    '_base_/schedules/sgd_140e.py',
    '_base_/default_runtime.py',
]

model = dict(
    data_preprocessor=dict(layout='nw-ucla', rotation=0),
    backbone=dict(graph_cfg=dict(layout='nw-ucla'), num_person=1),
    cls_head=dict(num_classes=10),
)
optim_wrapper = dict(optimizer=dict(weight_decay=0))
train_cfg = dict(max_epochs=150)
auto_scale_lr = dict(base_batch_size=16)
