# NTU RGB+D 60, X-View: cameras 2 and 3 train, camera 1 tests.
_base_ = 'ntu60.py'

train_dataloader = dict(dataset=dict(split='xview_train'))
val_dataloader = dict(dataset=dict(split='xview_val'))
test_dataloader = val_dataloader
