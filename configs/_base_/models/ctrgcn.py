model = dict(
    type='RecognizerGCN',
    data_preprocessor=dict(
        type='SkeletonPreprocessor', layout='nturgb+d', stream='j', rotation=0.3
    ),
    backbone=dict(type='CTRGCN', graph_cfg=dict(layout='nturgb+d', mode='spatial'), num_person=2),
    # N(0, sqrt(2 / classes)), as the published model
    cls_head=dict(
        type='GCNHead',
        num_classes=60,
        in_channels=256,
        init_cfg=dict(type='Kaiming', layer='Linear', mode='fan_out', distribution='normal'),
    ),
)
