_base_ = 'aagcn_own.py'

model = dict(type='RecognizerCSRE', neck=dict(type='CSRENeck'))
