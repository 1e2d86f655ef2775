# NTU RGB+D 120, X-Set: even setups train, odd ones test.
_base_ = 'ntu120.py'

train_dataloader = dict(dataset=dict(split='xset_train'))
val_dataloader = dict(dataset=dict(split='xset_val'))
test_dataloader = val_dataloader
