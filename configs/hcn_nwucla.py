_base_ = [
    '_base_/models/hcn.py',
    '_base_/datasets/nwucla.py',
    '_base_/schedules/adam_400e.py',
    '_base_/default_runtime.py',
]

model = dict(
    data_preprocessor=dict(layout='nw-ucla'),
    backbone=dict(graph_cfg=dict(layout='nw-ucla')),
    cls_head=dict(num_classes=10),
)

train_pipeline = [*_base_.train_pipeline]
train_pipeline[1] = dict(type='SampleSorted', clip_len=64)
test_pipeline = [*_base_.test_pipeline]
test_pipeline[1] = dict(type='SampleSorted', clip_len=64, test_mode=True)
train_dataloader = dict(dataset=dict(dataset=dict(pipeline=train_pipeline)))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
auto_scale_lr = dict(base_batch_size=16)
