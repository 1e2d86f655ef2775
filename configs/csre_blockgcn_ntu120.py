_base_ = 'blockgcn_ntu120.py'

model = dict(type='RecognizerCSRE', neck=dict(type='CSRENeck'))
