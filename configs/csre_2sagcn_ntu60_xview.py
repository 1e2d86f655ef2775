_base_ = '2sagcn_ntu60_xview.py'

model = dict(type='RecognizerCSRE', neck=dict(type='CSRENeck'))
