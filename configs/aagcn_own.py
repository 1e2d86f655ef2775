_base_ = [
    '_base_/models/aagcn.py',
    '_base_/datasets/ntu60.py',
    '_base_/schedules/cosine_80e.py',
    '_base_/default_runtime.py',
    '_base_/own.py',
]

train_dataloader = dict(batch_size=16)
# 80 passes: the recipe of 16 epochs is for a training set that is repeated 5 times.
train_cfg = dict(max_epochs=80)
param_scheduler = [
    dict(type='CosineAnnealingLR', eta_min=0, T_max=80, by_epoch=True, convert_to_iter_based=True)
]
