_base_ = '2sagcn_utd_mhad.py'

contrast = dict(loss_weight=0.1, temperature=0.1, warmup_iters=1000)  # those of NW-UCLA
model = dict(type='RecognizerCSRE', neck=dict(type='CSRENeck', loss=contrast))
train_dataloader = dict(dataset=dict(type='SlotPerRepeatDataset'))
