_base_ = 'ctrgcn_demo.py'

model = dict(
    type='RecognizerCSRE',
    neck=dict(type='CSRENeck', in_channels=48, num_frames=16, num_joints=25),
)
