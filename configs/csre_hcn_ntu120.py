_base_ = 'hcn_ntu120.py'

model = dict(type='RecognizerCSRE', neck=dict(type='CSRENeck'))
