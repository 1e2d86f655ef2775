# NW-UCLA: views 1 and 2 train, view 3 tests; `val_clean` leaves out 95 copies of training samples.
_base_ = 'skeleton.py'

ann_file = 'data/skeleton/nw_ucla.pkl'
pack = dict(type='PackActionInputs', meta_keys=('sample_idx', 'frame_dir'))
train_pipeline = [
    dict(type='NormalizeRange', joint=1, rotation=60, scale=(0.5, 1.5)),
    dict(type='SampleSorted', clip_len=52),
    dict(type='FormatGCNInput', num_person=1),
    pack,
]
test_pipeline = [
    dict(type='NormalizeRange', joint=1),
    dict(type='SampleSorted', clip_len=52, test_mode=True),
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
