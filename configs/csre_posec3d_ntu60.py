_base_ = 'posec3d_ntu60.py'

model = dict(neck=dict(type='CSRENeck'))
