_base_ = [
    '_base_/models/2sagcn.py',
    '_base_/datasets/ntu60.py',
    '_base_/schedules/sgd_50e.py',
    '_base_/default_runtime.py',
]

# The first frame turned upright, as many frames as the longest sequence: no crop, no rotation.
train_pipeline = [
    dict(type='PreNormalize3D'),
    dict(type='LoopFrames', clip_len=300),
    *_base_.train_pipeline[2:],
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=train_pipeline))
test_dataloader = val_dataloader
