_base_ = 'hyperformer_own.py'

model = dict(type='RecognizerCSRE', neck=dict(type='CSRENeck'))
