_base_ = '2sagcn_own.py'

model = dict(type='RecognizerCSRE', neck=dict(type='CSRENeck'))
