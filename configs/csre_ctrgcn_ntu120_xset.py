_base_ = 'ctrgcn_ntu120_xset.py'

model = dict(type='RecognizerCSRE', neck=dict(type='CSRENeck'))
