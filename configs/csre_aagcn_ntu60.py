_base_ = 'aagcn_ntu60.py'

model = dict(type='RecognizerCSRE', neck=dict(type='CSRENeck'))
