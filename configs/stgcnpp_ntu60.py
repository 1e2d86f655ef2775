_base_ = [
    '_base_/models/stgcnpp.py',
    '_base_/datasets/ntu60_uniform.py',
    '_base_/schedules/cosine_80e.py',
    '_base_/default_runtime.py',
]
