_base_ = 'stgcn_own.py'

model = dict(type='RecognizerCSRE', neck=dict(type='CSRENeck'))
