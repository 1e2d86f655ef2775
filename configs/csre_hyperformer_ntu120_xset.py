_base_ = 'hyperformer_ntu120_xset.py'

model = dict(
    type='RecognizerCSRE',
    neck=dict(type='CSRENeck', in_channels=216, num_frames=16, num_joints=25),
)
