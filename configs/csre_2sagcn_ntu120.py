_base_ = '2sagcn_ntu120.py'

model = dict(
    type='RecognizerCSRE',
    neck=dict(type='CSRENeck', in_channels=256, num_frames=75, num_joints=25),
)
