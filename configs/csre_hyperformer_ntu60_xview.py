_base_ = 'hyperformer_ntu60_xview.py'

model = dict(type='RecognizerCSRE', neck=dict(type='CSRENeck'))
