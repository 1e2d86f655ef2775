model = dict(
    type='RecognizerGCN',
    data_preprocessor=dict(
        type='SkeletonPreprocessor',
        layout='nturgb+d',
        stream='j',
        rotation=0.3,
        relative_to_center=True,
        bone_center=True,
    ),
    backbone=dict(type='Hyperformer', graph_cfg=dict(layout='nturgb+d'), num_person=2),
    # N(0, sqrt(2 / classes)), as the published model
    cls_head=dict(
        type='GCNHead',
        num_classes=60,
        in_channels=216,
        init_cfg=dict(type='Kaiming', layer='Linear', mode='fan_out', distribution='normal'),
    ),
)
