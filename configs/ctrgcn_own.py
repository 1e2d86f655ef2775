_base_ = ['ctrgcn_ntu60.py', '_base_/own.py']

train_dataloader = dict(batch_size=16)
