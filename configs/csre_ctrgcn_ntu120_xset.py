_base_ = 'ctrgcn_ntu120_xset.py'

model = dict(
    type='RecognizerCSRE',
    neck=dict(type='CSRENeck', in_channels=256, num_frames=16, num_joints=25),
)
