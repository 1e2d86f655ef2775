# The recipe of Hyperformer and, with twice the learning rate, of BlockGCN on NTU RGB+D.
_base_ = 'loops.py'

optim_wrapper = dict(
    optimizer=dict(type='SGD', lr=0.025, momentum=0.9, nesterov=True, weight_decay=4e-4)
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.2, begin=0, end=5, by_epoch=True),
    dict(type='MultiStepLR', milestones=[110, 120], gamma=0.1, by_epoch=True),
]
train_cfg = dict(max_epochs=140)
