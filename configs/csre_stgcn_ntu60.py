_base_ = 'stgcn_ntu60.py'

model = dict(type='RecognizerCSRE', neck=dict(type='CSRENeck'))
