_base_ = 'hcn_own.py'

model = dict(type='RecognizerCSRE', neck=dict(type='CSRENeck'))
