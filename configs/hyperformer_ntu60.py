_base_ = [
    '_base_/models/hyperformer.py',
    '_base_/datasets/ntu60.py',
    '_base_/schedules/sgd_140e.py',
    '_base_/default_runtime.py',
]
