_base_ = [
    '_base_/models/ctrgcn.py',
    '_base_/datasets/ntu120.py',
    '_base_/schedules/sgd_65e.py',
    '_base_/default_runtime.py',
]

model = dict(cls_head=dict(num_classes=120))
