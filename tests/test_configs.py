"""Every shipped config builds and trains one iteration, from a foreign folder."""

import copy
import functools
import re

import numpy as np
import pytest
import torch
from mmaction.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope

from csre_mm.apis import complete_config
from csre_mm.datasets.input_shape import read_input_shape
from tests.conftest import ROOT, config, encoder_of, make_annotations, repeats
from tests.runs import make_runner, small_config

# Those for data of one's own are tested with such data, in tests/apis/test_data_settings.py.
CONFIGS = sorted(
    path.stem for path in (ROOT / 'configs').glob('*.py') if not path.stem.endswith('_own')
)
CSRE_CONFIGS = [name for name in CONFIGS if name.startswith('csre_')]


def leader_of(name):
    """The config whose training step stands for those that differ from it by data alone."""
    return re.sub(r'_ntu(60|120)(_xview|_xset)?$', '_ntu60', name)


LEADERS = sorted({leader_of(name) for name in CONFIGS})
FIVE = ('hcn', '2sagcn', 'ctrgcn', 'hyperformer', 'blockgcn')
BENCHMARKS = ('ntu60', 'ntu60_xview', 'ntu120', 'ntu120_xset', 'nwucla', 'utd_mhad')
BASELINES = [f'{encoder}_{benchmark}' for encoder in FIVE for benchmark in BENCHMARKS]
BASELINES += [f'{encoder}_ntu60' for encoder in ('stgcn', 'stgcnpp', 'aagcn', 'posec3d')]


@pytest.fixture(scope='session')
def all_splits_file(tmp_path_factory):
    path = tmp_path_factory.mktemp('data') / 'ntu120.pkl'
    parts = ('train', 'val')
    splits = [f'{protocol}_{part}' for protocol in ('xsub', 'xview', 'xset') for part in parts]
    return make_annotations(path, splits=splits)


@pytest.fixture
def data_of(all_splits_file, ucla_file):
    return lambda name: ucla_file if name.endswith(('nwucla', 'utd_mhad')) else all_splits_file


@pytest.mark.parametrize('name', BASELINES)
def test_every_baseline_exists_with_and_without_csre(name):
    assert {name, f'csre_{name}'} <= set(CONFIGS)


@functools.cache
def read(name):
    """The settings of a shipped config; not to be changed."""
    return Config.fromfile(config(name))


def without_data(settings):
    if isinstance(settings, dict):
        data = ('ann_file', 'split', 'num_classes')
        return {key: without_data(value) for key, value in settings.items() if key not in data}
    if isinstance(settings, list | tuple):
        return [without_data(value) for value in settings]
    return settings


@pytest.mark.parametrize('name', sorted(set(CONFIGS) - set(LEADERS)))
def test_differs_by_its_data_alone_from_a_config_that_trains_here(name):
    ours, leaders = (without_data(read(which).to_dict()) for which in (name, leader_of(name)))
    assert ours == leaders


@pytest.mark.parametrize('name', CONFIGS)
def test_builds(monkeypatch, tmp_path, data_of, name):
    """The model at its full width, and a sample of each data set."""
    monkeypatch.chdir(tmp_path)
    init_default_scope('mmaction')
    model = MODELS.build(read(name).model)
    assert model.with_neck == name.startswith('csre_')
    for part in ('train', 'val', 'test'):
        dataset = copy.deepcopy(read(name)[f'{part}_dataloader'].dataset)
        inner = dataset.get('dataset', dataset)
        inner.update(ann_file=str(data_of(name)), indices=1)
        if 'num_clips' in inner.pipeline[1]:
            inner.pipeline[1].num_clips = 1  # of ten: 200 MB of heatmaps
        assert DATASETS.build(dataset)[0]['inputs'].isfinite().all()


@pytest.mark.parametrize('name', LEADERS)
def test_trains_and_tests_a_step(monkeypatch, tmp_path, data_of, name):
    monkeypatch.chdir(tmp_path)
    inner = 'dataset.dataset' if repeats(name) else 'dataset'
    options = {
        'train_cfg.max_epochs': 1,
        f'train_dataloader.{inner}.indices': 4,
        'val_dataloader.dataset.indices': 2,
        'test_dataloader.dataset.indices': 2,
    }
    if repeats(name):
        options['train_dataloader.dataset.times'] = 1
    runner = make_runner(name, data_of(name), tmp_path, **options)
    runner.train()
    logged = next(tmp_path.glob('*/*.log')).read_text()
    assert ('loss_contrast_temporal' in logged) == name.startswith('csre_')
    assert 'acc/top1' in runner.test()


@pytest.mark.parametrize('name', CSRE_CONFIGS)
def test_a_csre_config_is_a_small_delta_of_its_baseline(name):
    lines = [line for line in config(name).read_text().splitlines() if line.strip()]
    assert len(lines) <= 10
    csre, baseline = (read(n).to_dict() for n in (name, name.removeprefix('csre_')))
    assert csre['model'].pop('neck')['type'] == 'CSRENeck'
    types = csre['model'].pop('type'), baseline['model'].pop('type')
    # mmaction2's Recognizer3D calls its neck
    pair = ('RecognizerCSRE', 'RecognizerGCN')
    assert types == (('Recognizer3D',) * 2 if encoder_of(name) == 'posec3d' else pair)
    if name.endswith(('nwucla', 'utd_mhad')):  # a slot for each repeat
        types = [cfg['train_dataloader']['dataset'].pop('type') for cfg in (csre, baseline)]
        assert types == ['SlotPerRepeatDataset', 'RepeatDataset']
        assert csre.pop('contrast') == read(name).model.neck.loss
    for cfg in (csre, baseline):
        cfg.pop('filename', None)
    assert csre == baseline


@pytest.mark.parametrize('name', [name for name in LEADERS if name.startswith('csre_')])
def test_the_neck_of_the_shipped_config_fits_its_encoder(name):
    """At full width; the other tests shrink it."""
    cfg = complete_config(copy.deepcopy(read(name)))
    model = MODELS.build(cfg.model).eval()
    with torch.no_grad():
        x = model.backbone(torch.randn(read_input_shape(cfg, training=True).sample()))
        model.neck.decompose(x, 1)
        model.cls_head(x)


@pytest.mark.parametrize('name', BASELINES)
def test_the_config_is_of_its_benchmark(name):
    cfg = read(name)
    benchmark = name.partition('_')[2]
    data, _, protocol = benchmark.partition('_') if 'ntu' in benchmark else (benchmark, '', '')
    classes = {'ntu60': 60, 'ntu120': 120, 'nwucla': 10, 'utd_mhad': 27}[data]
    file = {'nwucla': 'nw_ucla', 'utd_mhad': 'utd_mhad'}.get(data, f'{data}_3d')
    train = cfg.train_dataloader.dataset
    train = train.dataset if 'dataset' in train else train
    prefix = '' if data in ('nwucla', 'utd_mhad') else f'{protocol or "xsub"}_'
    assert train.split == f'{prefix}train'
    assert cfg.model.cls_head.num_classes == classes
    assert train.ann_file == f'data/skeleton/{file}.pkl'
    for loader in (cfg.val_dataloader, cfg.test_dataloader):
        assert loader.dataset.split == f'{prefix}val' and loader.dataset.ann_file == train.ann_file


def batch_of(dataset, count):
    dataset = DATASETS.build(copy.deepcopy(dataset))
    return pseudo_collate([dataset[index] for index in range(count)])


STREAMED = [name for name in BASELINES if name in LEADERS and not name.startswith('posec3d')]


@pytest.mark.parametrize('training', [True, False])
@pytest.mark.parametrize('name', STREAMED)
def test_the_stream_key_reaches_training_and_testing(tmp_path, data_of, name, training):
    inputs = {}
    for stream in ('j', 'bm'):
        key = {'model.data_preprocessor.stream': stream}
        cfg = small_config(f'csre_{name}', data_of(name), tmp_path, **key)
        init_default_scope('mmaction')
        torch.manual_seed(0)
        np.random.seed(0)
        preprocessor = MODELS.build(cfg.model.data_preprocessor)
        loader = cfg.train_dataloader if training else cfg.test_dataloader
        batch = batch_of(loader.dataset, 2)
        inputs[stream] = preprocessor(batch, training=training)['inputs'][..., :3]
    assert inputs['j'].shape == inputs['bm'].shape
    bone = inputs['j'].shape[-2] // 2  # any joint but the centre
    assert not inputs['bm'][..., -1, bone, :].any() and inputs['j'][..., -1, bone, :].any()


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
