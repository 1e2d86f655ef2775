_base_ = 'blockgcn_nwucla.py'

model = dict(
    type='RecognizerCSRE',
    neck=dict(type='CSRENeck', in_channels=256, num_frames=13, num_joints=20),
)
