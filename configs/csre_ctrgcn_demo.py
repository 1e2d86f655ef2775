_base_ = 'ctrgcn_demo.py'

model = dict(type='RecognizerCSRE', neck=dict(type='CSRENeck'))
