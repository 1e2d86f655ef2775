_base_ = 'ctrgcn_ntu60.py'

model = dict(type='RecognizerCSRE', neck=dict(type='CSRENeck'))
