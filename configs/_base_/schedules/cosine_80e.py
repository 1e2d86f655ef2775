# The recipe of mmaction2's graph networks: 16 epochs of 5 repeats, for 8 GPUs with 16 samples each.
_base_ = 'loops.py'

optim_wrapper = dict(
    optimizer=dict(type='SGD', lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
)
param_scheduler = [
    dict(type='CosineAnnealingLR', eta_min=0, T_max=16, by_epoch=True, convert_to_iter_based=True)
]
train_cfg = dict(max_epochs=16)
auto_scale_lr = dict(base_batch_size=128)
