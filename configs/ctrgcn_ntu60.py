_base_ = [
    '_base_/models/ctrgcn.py',
    '_base_/datasets/ntu60.py',
    '_base_/schedules/sgd_65e.py',
    '_base_/default_runtime.py',
]

model = dict(
    data_preprocessor=dict(rotation=0.3),
    # N(0, sqrt(2 / classes)), as the published model
    cls_head=dict(init_cfg=dict(type='Normal', layer='Linear', std=0.1826)),
)
