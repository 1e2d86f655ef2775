# The recipe of the PyTorch release of HCN.
_base_ = 'loops.py'

optim_wrapper = dict(
    optimizer=dict(type='Adam', lr=1e-3, weight_decay=1e-4),
    clip_grad=dict(max_norm=32, norm_type=2),
)
param_scheduler = [dict(type='ExponentialLR', gamma=0.99, by_epoch=True)]
train_cfg = dict(max_epochs=400)
