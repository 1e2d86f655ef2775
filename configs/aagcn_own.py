_base_ = [
    '_base_/models/aagcn.py',
    '_base_/datasets/ntu60.py',
    '_base_/schedules/cosine_80e.py',
    '_base_/default_runtime.py',
    '_base_/own.py',
]

train_dataloader = dict(batch_size=16)
