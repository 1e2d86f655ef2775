_base_ = 'ctrgcn_own.py'

model = dict(type='RecognizerCSRE', neck=dict(type='CSRENeck'))
