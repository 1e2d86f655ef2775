_base_ = [
    '_base_/models/blockgcn.py',
    '_base_/datasets/ntu120.py',
    '_base_/schedules/sgd_140e.py',
    '_base_/default_runtime.py',
]

model = dict(cls_head=dict(num_classes=120))
optim_wrapper = dict(optimizer=dict(lr=0.05))
