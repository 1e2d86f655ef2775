"""Configs of mmaction2, with its models and pipelines, extended by CSRE."""

import textwrap
import uuid

import pytest
import torch
from mmengine.config import Config

from csre_mm.apis import build_runner
from tests.conftest import RUN

BASE = 'mmaction::skeleton/{0}/{0}_8xb16-joint-u100-80e_ntu60-xsub-keypoint-3d.py'

DELTA = """
_base_ = '{base}'
custom_imports = dict(imports=['csre_mm'])
model = dict(type='RecognizerCSRE', neck=dict(type='CSRENeck'))
"""


@pytest.mark.parametrize('encoder', ['stgcn', '2s-agcn'])
def test_mmaction2s_encoders_take_csre_on(monkeypatch, tmp_path, ntu_file, encoder):
    delta = DELTA.format(base=BASE.format(encoder))
    assert len(delta.strip().splitlines()) == 3
    path = tmp_path / 'config.py'
    path.write_text(textwrap.dedent(delta))
    cfg = Config.fromfile(path)
    cfg.merge_from_dict({key: value for key, value in RUN.items() if key.endswith('kers')})
    cfg.train_dataloader.dataset.dataset.ann_file = str(ntu_file)
    cfg.train_dataloader.dataset.dataset.indices = 4
    cfg.train_dataloader.dataset.times = 1
    cfg.train_dataloader.batch_size = 4
    for loader in (cfg.val_dataloader, cfg.test_dataloader):
        loader.dataset.ann_file = str(ntu_file)
        loader.dataset.indices = 2
        loader.dataset.pipeline[2].num_clips = 2
    cfg.model.backbone.base_channels, cfg.model.cls_head.in_channels = 16, 64
    cfg.train_cfg.max_epochs = 1
    cfg.work_dir, cfg.experiment_name = str(tmp_path), uuid.uuid4().hex
    runner = build_runner(cfg)
    before = {k: v.clone() for k, v in runner.model.neck.stfd.state_dict().items()}
    runner.train()
    log = next(tmp_path.glob('*/*.log')).read_text()
    assert 'loss_contrast_spatial' in log and 'loss_contrast_temporal' in log
    after = runner.model.neck.stfd.state_dict()
    assert all(not torch.equal(before[key], after[key]) for key in before if 'weight' in key)
    assert (runner.model.neck.loss_spatial.bank.labels >= 0).all()
    runner.test()
