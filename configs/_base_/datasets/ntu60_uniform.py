# NTU RGB+D 60, X-Sub, the recipe of mmaction2's graph networks.
_base_ = 'ntu60.py'

pack = dict(type='PackActionInputs', meta_keys=('sample_idx', 'frame_dir'))
train_pipeline = [
    dict(type='PreNormalize3D'),
    dict(type='SampleUniform', clip_len=100),
    dict(type='FormatGCNInput', num_person=2),
    pack,
]
val_pipeline = [
    dict(type='PreNormalize3D'),
    dict(type='SampleUniform', clip_len=100, test_mode=True),
    dict(type='FormatGCNInput', num_person=2),
    pack,
]
test_pipeline = [*val_pipeline]
test_pipeline[1] = dict(type='SampleUniform', clip_len=100, num_clips=10, test_mode=True)

train_dataloader = dict(
    batch_size=16,
    dataset=dict(
        _delete_=True,
        type='RepeatDataset',
        times=5,
        dataset=dict(
            type='SkeletonDataset',
            ann_file=_base_.ann_file,
            split='xsub_train',
            pipeline=train_pipeline,
        ),
    ),
)
val_dataloader = dict(batch_size=16, dataset=dict(pipeline=val_pipeline))
test_dataloader = dict(batch_size=16, dataset=dict(pipeline=test_pipeline))
