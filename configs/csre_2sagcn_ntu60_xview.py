_base_ = '2sagcn_ntu60_xview.py'

model = dict(
    type='RecognizerCSRE',
    neck=dict(type='CSRENeck', in_channels=256, num_frames=75, num_joints=25),
)
