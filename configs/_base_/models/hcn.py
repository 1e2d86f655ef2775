model = dict(
    type='RecognizerGCN',
    data_preprocessor=dict(
        type='SkeletonPreprocessor', layout='nturgb+d', stream='j', origin_joint=1
    ),
    backbone=dict(type='HCN', graph_cfg=dict(layout='nturgb+d'), width=64),
    cls_head=dict(type='HCNHead', num_classes=60, in_channels=256, num_frames=4, num_joints=4),
)
