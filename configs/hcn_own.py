_base_ = ['hcn_ntu60.py', '_base_/own.py']

train_dataloader = dict(batch_size=16)
