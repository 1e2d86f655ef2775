_base_ = 'stgcnpp_ntu60.py'

model = dict(
    type='RecognizerCSRE',
    neck=dict(type='CSRENeck', in_channels=256, num_frames=25, num_joints=25),
)
