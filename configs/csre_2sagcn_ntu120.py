_base_ = '2sagcn_ntu120.py'

model = dict(type='RecognizerCSRE', neck=dict(type='CSRENeck'))
