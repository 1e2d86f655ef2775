_base_ = [
    '_base_/models/hcn.py',
    '_base_/datasets/ntu60_xview.py',
    '_base_/schedules/adam_400e.py',
    '_base_/default_runtime.py',
]
