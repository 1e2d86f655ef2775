_base_ = 'hcn_ntu120_xset.py'

model = dict(type='RecognizerCSRE', neck=dict(type='CSRENeck'))
