_base_ = 'hyperformer_nwucla.py'

contrast = dict(loss_weight=0.1, temperature=0.1, warmup_iters=1000)  # docs/results.md
model = dict(
    type='RecognizerCSRE',
    neck=dict(type='CSRENeck', in_channels=216, num_frames=13, num_joints=20, loss=contrast),
)
train_dataloader = dict(dataset=dict(type='SlotPerRepeatDataset'))
