# UTD-MHAD: odd subjects train, even subjects test; the preprocessor rotates.
_base_ = 'skeleton.py'

ann_file = 'data/skeleton/utd_mhad.pkl'
pack = dict(type='PackActionInputs', meta_keys=('sample_idx', 'frame_dir'))
train_pipeline = [
    dict(type='CenterSkeleton', joint=2),
    dict(type='CropResize', clip_len=64, fraction=(0.5, 1.0)),
    dict(type='FormatGCNInput', num_person=1),
    pack,
]
test_pipeline = [
    dict(type='CenterSkeleton', joint=2),
    dict(type='CropResize', clip_len=64, fraction=0.95),
    dict(type='FormatGCNInput', num_person=1),
    pack,
]

train_dataloader = dict(
    batch_size=16,
    dataset=dict(
        type='RepeatDataset',
        times=5,
        dataset=dict(
            type='SkeletonDataset', ann_file=ann_file, split='train', pipeline=train_pipeline
        ),
    ),
)
val_dataloader = dict(dataset=dict(ann_file=ann_file, split='val', pipeline=test_pipeline))
test_dataloader = val_dataloader
