model = dict(
    type='RecognizerGCN',
    data_preprocessor=dict(type='SkeletonPreprocessor', layout='nturgb+d', stream='j'),
    backbone=dict(
        type='STGCN',
        gcn_adaptive='init',
        gcn_with_res=True,
        tcn_type='mstcn',
        graph_cfg=dict(layout='nturgb+d', mode='spatial'),
    ),
    cls_head=dict(type='GCNHead', num_classes=60, in_channels=256),
)
