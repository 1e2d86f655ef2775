_base_ = 'posec3d_ntu60.py'

model = dict(
    neck=dict(type='CSRENeck', in_channels=512, num_frames=24, num_joints=49, with_persons=False),
)
