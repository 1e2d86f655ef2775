# The recipe of PoseC3D: 24 epochs of 10 repeats, for 8 GPUs with 16 samples each.
_base_ = 'loops.py'

optim_wrapper = dict(
    optimizer=dict(type='SGD', lr=0.2, momentum=0.9, weight_decay=3e-4),
    clip_grad=dict(max_norm=40, norm_type=2),
)
param_scheduler = [
    dict(type='CosineAnnealingLR', eta_min=0, T_max=24, by_epoch=True, convert_to_iter_based=True)
]
train_cfg = dict(max_epochs=24)
auto_scale_lr = dict(base_batch_size=128)
