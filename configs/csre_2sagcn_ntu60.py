_base_ = '2sagcn_ntu60.py'

model = dict(type='RecognizerCSRE', neck=dict(type='CSRENeck'))
