# NTU RGB+D 60, X-Sub, as heatmaps of the projected 3D joints: the recipe of PoseC3D.
_base_ = 'ntu60.py'

pack = dict(type='PackActionInputs', meta_keys=('sample_idx', 'frame_dir'))
left = [4, 5, 6, 7, 12, 13, 14, 15, 21, 22]
right = [8, 9, 10, 11, 16, 17, 18, 19, 23, 24]
heat = dict(type='GeneratePoseTarget', sigma=0.6, use_score=True, with_kp=True, with_limb=False)
train_pipeline = [
    dict(type='ProjectToImage'),
    dict(type='SampleUniform', clip_len=48),
    dict(type='PoseCompact', hw_ratio=1.0, allow_imgpad=True),
    dict(type='Resize', scale=(-1, 64)),
    dict(type='RandomResizedCrop', area_range=(0.56, 1.0)),
    dict(type='Resize', scale=(56, 56), keep_ratio=False),
    dict(type='Flip', flip_ratio=0.5, left_kp=left, right_kp=right),
    heat,
    dict(type='FormatShape', input_format='NCTHW_Heatmap'),
    pack,
]
val_pipeline = [
    dict(type='ProjectToImage'),
    dict(type='SampleUniform', clip_len=48, test_mode=True),
    dict(type='PoseCompact', hw_ratio=1.0, allow_imgpad=True),
    dict(type='Resize', scale=(-1, 64)),
    dict(type='CenterCrop', crop_size=64),
    heat,
    dict(type='FormatShape', input_format='NCTHW_Heatmap'),
    pack,
]
test_pipeline = [*val_pipeline]
test_pipeline[1] = dict(type='SampleUniform', clip_len=48, num_clips=10, test_mode=True)
test_pipeline[5] = dict(heat, double=True, left_kp=left, right_kp=right)

train_dataloader = dict(
    batch_size=16,
    dataset=dict(
        _delete_=True,
        type='RepeatDataset',
        times=10,
        dataset=dict(
            type='SkeletonDataset',
            ann_file=_base_.ann_file,
            split='xsub_train',
            pipeline=train_pipeline,
        ),
    ),
)
val_dataloader = dict(batch_size=16, dataset=dict(pipeline=val_pipeline))
test_dataloader = dict(batch_size=1, dataset=dict(pipeline=test_pipeline))
