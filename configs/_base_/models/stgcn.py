model = dict(
    type='RecognizerGCN',
    data_preprocessor=dict(type='SkeletonPreprocessor', layout='nturgb+d', stream='j'),
    backbone=dict(type='STGCN', graph_cfg=dict(layout='nturgb+d', mode='stgcn_spatial')),
    cls_head=dict(type='GCNHead', num_classes=60, in_channels=256),
)
