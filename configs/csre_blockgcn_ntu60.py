_base_ = 'blockgcn_ntu60.py'

model = dict(type='RecognizerCSRE', neck=dict(type='CSRENeck'))
