# A narrow CTR-GCN for a few epochs on the data of tools/data/make_synthetic.py.
_base_ = 'ctrgcn_ntu60.py'

ann_file = 'data/demo/demo.pkl'
model = dict(backbone=dict(base_channels=12), cls_head=dict(in_channels=48))
train_dataloader = dict(batch_size=16, dataset=dict(ann_file=ann_file))
val_dataloader = dict(dataset=dict(ann_file=ann_file))
test_dataloader = val_dataloader
train_cfg = dict(max_epochs=8, val_interval=4)
optim_wrapper = dict(optimizer=dict(lr=0.05))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.2, begin=0, end=2, by_epoch=True),
    dict(type='MultiStepLR', milestones=[6], gamma=0.1, by_epoch=True),
]
default_hooks = dict(logger=dict(interval=12))
