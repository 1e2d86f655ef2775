_base_ = [
    '_base_/models/2sagcn.py',
    '_base_/datasets/ntu60.py',
    '_base_/schedules/sgd_50e.py',
    '_base_/default_runtime.py',
    '_base_/own.py',
]

train_dataloader = dict(batch_size=16)
