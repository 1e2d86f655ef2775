# NTU RGB+D 60, X-Sub, the recipe of the CTR-GCN family; the preprocessor rotates.
_base_ = 'skeleton.py'

ann_file = 'data/skeleton/ntu60_3d.pkl'
pack = dict(type='PackActionInputs', meta_keys=('sample_idx', 'frame_dir'))
train_pipeline = [
    dict(type='CenterSkeleton', joint=1),
    dict(type='CropResize', clip_len=64, fraction=(0.5, 1.0)),
    dict(type='FormatGCNInput', num_person=2),
    pack,
]
test_pipeline = [
    dict(type='CenterSkeleton', joint=1),
    dict(type='CropResize', clip_len=64, fraction=0.95),
    dict(type='FormatGCNInput', num_person=2),
    pack,
]

train_dataloader = dict(
    batch_size=64,
    dataset=dict(
        type='SkeletonDataset', ann_file=ann_file, split='xsub_train', pipeline=train_pipeline
    ),
)
val_dataloader = dict(dataset=dict(ann_file=ann_file, split='xsub_val', pipeline=test_pipeline))
test_dataloader = val_dataloader
