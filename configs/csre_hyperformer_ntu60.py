_base_ = 'hyperformer_ntu60.py'

model = dict(type='RecognizerCSRE', neck=dict(type='CSRENeck'))
