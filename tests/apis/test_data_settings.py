"""What is said of the data once reaches every place that needs it."""

import pytest
import torch
from mmaction.registry import DATASETS, MODELS
from mmengine.config import ConfigDict
from mmengine.dataset import pseudo_collate

from csre_mm.apis import complete_config, get_config, measure_costs, merge_options, recognizer
from csre_mm.datasets.checks import read_plan
from csre_mm.utils.config import pipeline_of
from csre_mm.utils.errors import InputError
from tests.conftest import CHANNELS, make_annotations

OWN = ('hcn', '2sagcn', 'ctrgcn', 'hyperformer', 'blockgcn', 'stgcn', 'aagcn')
BODY = dict(
    num_joints=5, center=1, edges=[(0, 1), (2, 1), (3, 2), (4, 3)], partition=[0, 0, 1, 1, 1]
)


@pytest.fixture(scope='module')
def own_file(tmp_path_factory):
    path = tmp_path_factory.mktemp('data') / 'own.pkl'
    return make_annotations(path, num_joints=5, persons=(1,), splits=('train', 'test'))


@pytest.mark.parametrize('encoder', OWN)
def test_one_key_each_reaches_data_and_model(own_file, encoder):
    """A step of training and a score, with every key of ``data``, as --cfg-options gives them."""
    data = dict(ann_file=str(own_file), layout=BODY, num_person=1, num_classes=3, window=32)
    options = {f'data.{key}': value for key, value in data.items()}
    base, channels = CHANNELS[encoder]
    narrow = {'model.backbone.base_channels': base, 'model.cls_head.in_channels': channels}
    cfg = merge_options(get_config(f'csre_{encoder}_own'), {**options, **narrow})
    neck = complete_config(cfg).model.neck
    assert neck.in_channels == channels and neck.num_joints in (4, 5)
    model = MODELS.build(cfg.model).train()
    for loss in model.neck.losses.values():
        loss.bank.allocate(24)
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    assert len(dataset) == 24
    batch = model.data_preprocessor(pseudo_collate([dataset[i] for i in range(4)]), training=True)
    assert batch['inputs'].shape[2:5] == (1, 32, 5)
    losses = model(**batch, mode='loss')
    total = sum(value for key, value in losses.items() if 'loss' in key)
    total.backward()
    assert torch.isfinite(total) and losses['loss_contrast_temporal'] > 0
    tested = DATASETS.build(cfg.test_dataloader.dataset)
    assert tested.split == 'test' and tested[0]['inputs'].shape == (1, 1, 32, 5, 3)


def test_pixels_with_scores():
    cfg = merge_options(get_config('csre_ctrgcn_own'), {'data.planar': True, 'data.layout': BODY})
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        kinds = [step['type'] for step in loader.dataset.pipeline]
        assert kinds[:3] == ['PreNormalize2D', 'GenSkeFeat', 'CropResize']
    preprocessor = cfg.model.data_preprocessor
    assert preprocessor.score_channel and preprocessor.rotation == 0
    complete_config(cfg)  # the dry run has two coordinates and a score
    assert (cfg.model.neck.num_frames, cfg.model.neck.num_joints) == (16, 5)


def test_the_key_serves_every_config_and_applies_once_or_twice():
    cfg = get_config('csre_hcn_nwucla')
    for _ in range(2):
        merge_options(cfg, {'data.ann_file': 'mine.pkl', 'data.window': 32})
    assert cfg.train_dataloader.dataset.dataset.ann_file == 'mine.pkl'
    assert cfg.test_dataloader.dataset.ann_file == 'mine.pkl'
    assert cfg.model.cls_head.num_frames == 2
    assert cfg.train_dataloader.dataset.dataset.split == 'train'


@pytest.mark.parametrize(
    'options, message',
    [
        (
            {'data.anno_file': 'a.pkl'},
            r'data\.anno_file is no setting',
        ),
        ({'data.layout': 'ntu'}, "no skeleton layout 'ntu'"),
        ({'data.layout': 25}, 'data do not fit the config: .*int'),
    ],
)
def test_a_wrong_setting_is_one_line(options, message):
    with pytest.raises(InputError, match=message):
        merge_options(get_config('csre_ctrgcn_own'), options)


@pytest.mark.parametrize('name', ['csre_ctrgcn_nwucla', 'csre_stgcn_ntu60', 'csre_posec3d_ntu60'])
def test_pixels_in_place_of_each_transform_of_space(name):
    given = {} if 'posec3d' in name else {'data.layout': BODY}
    cfg = merge_options(get_config(name), {'data.planar': True, **given})
    for training in (True, False):
        kinds = [step['type'] for step in pipeline_of(cfg, training)]
        assert not {'NormalizeRange', 'PreNormalize3D', 'ProjectToImage'} & set(kinds)
        assert 'PoseCompact' in kinds or kinds[:2] == ['PreNormalize2D', 'GenSkeFeat']
    complete_config(cfg)  # the dry run goes through the pipeline
    plan = read_plan(merge_options(cfg, None))
    assert plan.shape.coordinates == (2 if plan.shape.heatmaps else 3)


def test_pixels_in_a_config_that_has_a_stream_of_mmaction2():
    cfg = get_config('stgcn_ntu60')
    pipeline = cfg.test_dataloader.dataset.pipeline
    pipeline.insert(1, ConfigDict(type='GenSkeFeat', dataset='nturgb+d', feats=['j']))
    merge_options(cfg, {'data.planar': True})
    kinds = [step['type'] for step in pipeline_of(cfg)]
    assert kinds[:2] == ['PreNormalize2D', 'GenSkeFeat'] and kinds.count('GenSkeFeat') == 1
    assert pipeline_of(cfg)[1]['dataset'] == 'coco'


def test_every_function_of_the_api_applies_data(own_file):
    cfg = get_config('csre_ctrgcn_own')
    cfg.data.update(ann_file=str(own_file), layout=BODY, num_person=1, num_classes=3, window=32)
    report = measure_costs(cfg)
    assert report.columns['CSRE test'].shape == (1, 1, 32, 5, 3) and report.slots == 24
    tested = recognizer.testing_config(cfg)
    assert tested.test_dataloader.dataset.ann_file == str(own_file)
    assert tested.model.cls_head.num_classes == 3 and cfg.model.cls_head.num_classes != 3


@pytest.mark.parametrize(
    ('key', 'value', 'setting'),
    [
        ('train_dataloader.dataset.split', 'all', 'train_split=train'),
        ('val_dataloader.dataset.ann_file', 'a.pkl', 'ann_file=data/own/own.pkl'),
        ('train_dataloader.dataset.pipeline.1.clip_len', 32, 'window=64'),
        ('model.cls_head', dict(num_classes=5), 'num_classes=60'),
        ('train_dataloader.batch_size', 4, None),
        ('model.backbone', dict(base_channels=32), None),
        ('model.cls_head', dict(num_classes=60), None),
    ],
)
def test_an_option_that_data_overrides_is_refused(key, value, setting):
    cfg = get_config('csre_ctrgcn_own')
    if setting is None:
        merge_options(cfg, {key: value})
        return
    name = setting.partition('=')[0]
    with pytest.raises(InputError, match=f'sets it by data.{setting}: set data.{name}'):
        merge_options(cfg, {key: value})


def test_options_of_transforms_that_pixels_move():
    options = {'data.planar': True, 'train_dataloader.dataset.pipeline.1.fraction': (0.8, 1.0)}
    cfg = merge_options(get_config('csre_ctrgcn_own'), {**options, 'data.layout': BODY})
    assert cfg.train_dataloader.dataset.pipeline[2]['fraction'] == (0.8, 1.0)


def test_a_window_that_is_no_number_is_one_line():
    with pytest.raises(InputError, match='data do not fit the config: TypeError'):
        merge_options(get_config('hcn_own'), {'data.window': 'long'})
