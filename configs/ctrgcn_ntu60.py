_base_ = [
    '_base_/models/ctrgcn.py',
    '_base_/datasets/ntu60.py',
    '_base_/schedules/sgd_65e.py',
    '_base_/default_runtime.py',
]
