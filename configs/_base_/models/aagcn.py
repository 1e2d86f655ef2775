model = dict(
    type='RecognizerGCN',
    data_preprocessor=dict(type='SkeletonPreprocessor', layout='nturgb+d', stream='j'),
    backbone=dict(type='AAGCN', graph_cfg=dict(layout='nturgb+d', mode='spatial')),
    cls_head=dict(type='GCNHead', num_classes=60, in_channels=256),
)
