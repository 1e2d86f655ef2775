_base_ = '2sagcn_ntu120_xset.py'

model = dict(type='RecognizerCSRE', neck=dict(type='CSRENeck'))
