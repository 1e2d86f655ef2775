_base_ = [
    '_base_/models/blockgcn.py',
    '_base_/datasets/nwucla.py',
    '_base_/schedules/sgd_140e.py',
    '_base_/default_runtime.py',
]

model = dict(
    data_preprocessor=dict(
        layout='nw-ucla', rotation=0, relative_to_center=False, bone_center=False
    ),
    backbone=dict(graph_cfg=dict(layout='nw-ucla'), num_person=1),
    cls_head=dict(num_classes=10),
)
optim_wrapper = dict(optimizer=dict(lr=0.05))
auto_scale_lr = dict(base_batch_size=16)
