_base_ = 'ctrgcn_ntu120.py'

model = dict(type='RecognizerCSRE', neck=dict(type='CSRENeck'))
