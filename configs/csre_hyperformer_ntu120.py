_base_ = 'hyperformer_ntu120.py'

model = dict(type='RecognizerCSRE', neck=dict(type='CSRENeck'))
