_base_ = 'blockgcn_ntu120_xset.py'

model = dict(type='RecognizerCSRE', neck=dict(type='CSRENeck'))
