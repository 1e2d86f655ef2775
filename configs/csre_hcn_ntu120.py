_base_ = 'hcn_ntu120.py'

model = dict(
    type='RecognizerCSRE',
    neck=dict(type='CSRENeck', in_channels=256, num_frames=4, num_joints=4),
)
