_base_ = 'blockgcn_ntu60_xview.py'

model = dict(type='RecognizerCSRE', neck=dict(type='CSRENeck'))
