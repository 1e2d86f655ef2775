"""Every shipped config builds and steps, from a folder that is not the project's."""

import copy

import pytest
import torch
from mmaction.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope

from tests.conftest import ROOT, config
from tests.runs import make_runner, small_config

CONFIGS = sorted(path.stem for path in (ROOT / 'configs').glob('*.py'))
CSRE_CONFIGS = [name for name in CONFIGS if name.startswith('csre_')]


@pytest.fixture
def data_of(ntu_file, ucla_file):
    return lambda name: ucla_file if name.endswith('nwucla') else ntu_file


def test_there_are_configs():
    assert {'ctrgcn_ntu60', 'ctrgcn_nwucla', 'ctrgcn_demo'} <= set(CONFIGS)


@pytest.mark.parametrize('name', CONFIGS)
def test_trains_and_tests_a_step(monkeypatch, tmp_path, data_of, name):
    monkeypatch.chdir(tmp_path)
    indices = 'train_dataloader.dataset.' + ('dataset.' if 'nwucla' in name else '') + 'indices'
    options = {'train_cfg.max_epochs': 1, indices: 8, 'test_dataloader.dataset.indices': 4}
    runner = make_runner(name, data_of(name), tmp_path, **options)
    runner.train()
    assert 'acc/top1' in runner.test()


@pytest.mark.parametrize('name', CSRE_CONFIGS)
def test_a_csre_config_is_a_small_delta_of_its_baseline(name):
    lines = [line for line in config(name).read_text().splitlines() if line.strip()]
    assert len(lines) <= 10
    csre, baseline = (Config.fromfile(config(n)) for n in (name, name.removeprefix('csre_')))
    csre, baseline = csre.to_dict(), baseline.to_dict()
    assert csre['model'].pop('neck')['type'] == 'CSRENeck'
    types = csre['model'].pop('type'), baseline['model'].pop('type')
    assert types == ('RecognizerCSRE', 'RecognizerGCN')
    for cfg in (csre, baseline):
        cfg.pop('filename', None)
    assert csre == baseline


@pytest.mark.parametrize('name', CSRE_CONFIGS)
def test_the_neck_of_the_shipped_config_fits_its_encoder(name):
    """At the full width, where the other tests shrink it."""
    cfg = Config.fromfile(config(name))
    init_default_scope('mmaction')
    model = MODELS.build(cfg.model).eval()
    frames = cfg.train_pipeline[1]['clip_len']
    persons, joints = cfg.model.backbone.num_person, model.data_preprocessor.layout.num_joints
    x = model.backbone(torch.zeros(1, persons, frames, joints, 3))
    model.neck.stfd(x)
    assert x.shape[2] == model.cls_head.in_channels


def batch_of(cfg, count=4):
    dataset = DATASETS.build(copy.deepcopy(cfg.train_dataloader.dataset))
    return pseudo_collate([dataset[index] for index in range(count)])


def test_the_stream_key_reaches_training(tmp_path, ntu_file):
    inputs = {}
    for stream in ('j', 'bm'):
        key = {'model.data_preprocessor.stream': stream}
        cfg = small_config('csre_ctrgcn_ntu60', ntu_file, tmp_path, **key)
        init_default_scope('mmaction')
        torch.manual_seed(0)
        preprocessor = MODELS.build(cfg.model.data_preprocessor)
        inputs[stream] = preprocessor(batch_of(cfg), training=True)['inputs']
    assert inputs['j'].shape == inputs['bm'].shape == (4, 1, 2, 64, 25, 3)
    assert not inputs['bm'][:, :, :, -1].any() and inputs['j'][:, :, :, -1].any()


@pytest.mark.parametrize(
    'key, value, read',
    [
        ('model.neck.loss.temperature', 0.5, lambda m: m.neck.loss_temporal.temperature),
        ('model.neck.loss.num_positives', 7, lambda m: m.neck.loss_spatial.num_positives),
        ('model.neck.loss.num_negatives', 9, lambda m: m.neck.loss_temporal.num_negatives),
        ('model.neck.loss.loss_weight', 0.5, lambda m: m.neck.loss_spatial.loss_weight),
        ('model.neck.loss_spatial.loss_weight', 2.0, lambda m: m.neck.loss_spatial.loss_weight),
        ('model.neck.loss.gate', 'strict', lambda m: m.neck.loss_spatial.gate),
        ('model.neck.loss.update', 'after', lambda m: m.neck.loss_spatial.update),
        ('model.data_preprocessor.stream', 'b', lambda m: m.data_preprocessor.stream),
    ],
)
def test_one_key_reaches_the_model(ntu_file, tmp_path, key, value, read):
    init_default_scope('mmaction')
    cfg = small_config('csre_ctrgcn_ntu60', ntu_file, tmp_path, **{key: value})
    assert read(MODELS.build(cfg.model)) == value
