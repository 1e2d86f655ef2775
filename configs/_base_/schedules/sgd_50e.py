# The recipe of 2s-AGCN on NTU RGB+D.
_base_ = 'loops.py'

optim_wrapper = dict(
    optimizer=dict(type='SGD', lr=0.1, momentum=0.9, nesterov=True, weight_decay=1e-4)
)
param_scheduler = [dict(type='MultiStepLR', milestones=[30, 40], gamma=0.1, by_epoch=True)]
train_cfg = dict(max_epochs=50)
