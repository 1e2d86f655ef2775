_base_ = 'blockgcn_own.py'

model = dict(type='RecognizerCSRE', neck=dict(type='CSRENeck'))
