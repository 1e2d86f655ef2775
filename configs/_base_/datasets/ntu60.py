# NTU RGB+D 60, X-Sub, the recipe of the CTR-GCN family; the rotation is the preprocessor's.
ann_file = 'data/skeleton/ntu60_3d.pkl'
pack = dict(type='PackActionInputs', meta_keys=('sample_idx', 'frame_dir'))
train_pipeline = [
    dict(type='CenterSkeleton', joint=1),
    dict(type='CropResize', clip_len=64, share=(0.5, 1.0)),
    dict(type='FormatGCNInput', num_person=2),
    pack,
]
test_pipeline = [
    dict(type='CenterSkeleton', joint=1),
    dict(type='CropResize', clip_len=64, share=0.95),
    dict(type='FormatGCNInput', num_person=2),
    pack,
]

train_dataloader = dict(
    batch_size=64,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='SkeletonDataset', ann_file=ann_file, split='xsub_train', pipeline=train_pipeline
    ),
)
val_dataloader = dict(
    batch_size=64,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='SkeletonDataset',
        ann_file=ann_file,
        split='xsub_val',
        pipeline=test_pipeline,
        test_mode=True,
    ),
)
test_dataloader = val_dataloader

val_evaluator = dict(type='AccMetric')
test_evaluator = val_evaluator
