_base_ = 'hyperformer_ntu60.py'

model = dict(
    type='RecognizerCSRE',
    neck=dict(type='CSRENeck', in_channels=216, num_frames=16, num_joints=25),
)
