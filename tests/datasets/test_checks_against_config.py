from dataclasses import replace

import pytest
from mmengine.config import Config

from csre_mm.datasets.annotations import load_annotations
from csre_mm.datasets.checks import read_plan
from csre_mm.utils.errors import InputError
from tests.checked_data import PLAN, assert_found, check, make_data
from tests.conftest import config


def plan_with(**changes):
    return replace(PLAN, **changes)


def shape_with(**changes):
    return replace(PLAN, shape=replace(PLAN.shape, **changes))


@pytest.mark.parametrize(
    'plan, expected',
    [
        (
            plan_with(test=('val',)),
            ('error', 'splits', None, "split 'val' is missing, expected one of test, train"),
        ),
        (
            shape_with(joints={'the.key': 25}),
            ('error', 'config', None, 'keypoint has 5 joints, expected 25, by the.key'),
        ),
        (
            shape_with(channels=2),
            ('error', 'config', None, 'keypoint has 3 channels, expected 2, by model.backbone.in'),
        ),
        (
            plan_with(backbone_num_person=1),
            ('error', 'config', None, 'model.backbone.num_person is 1, expected the num_person=2'),
        ),
        (
            plan_with(num_classes=3),
            ('warning', 'classes', None, "split 'train' has no sample of class 2"),
        ),
    ],
)
def test_against_a_config(plan, expected):
    assert_found(make_data(), expected, plan=plan)


def test_persons_that_are_dropped():
    expected = [
        ('warning', 'persons', f's{index}', 'keypoint has 2 persons, expected at most 1, FormatGCN')
        for index in (1, 3, 5, 7)
    ]
    assert_found(make_data(), *expected, plan=shape_with(persons=1))


def test_pixels_without_normalisation_and_rotation_without_a_third_axis():
    data = make_data(channels=2, scale=500, scores=True)
    pixels = ('warning', 'units', None, 'looks like pixels, expected PreNormalize2D')
    assert_found(data, pixels, plan=PLAN)
    assert check(data, plan_with(normalizes=True)) == []
    rotated = ('error', 'config', None, 'model.data_preprocessor.rotation is 0.3, expected 0')
    assert_found(data, rotated, plan=plan_with(normalizes=True, rotation=0.3))
    assert check(make_data(), plan_with(rotation=0.3)) == []
    pixels_plan = replace(shape_with(pixels=True), normalizes=True)
    space = ('error', 'config', None, 'keypoint has three coordinates, expected pixels, by PreNor')
    assert_found(make_data(), space, plan=pixels_plan)
    assert check(data, pixels_plan) == []
    small = ('error', 'config', None, 'keypoint looks like metres, or a normalised image, expected')
    assert_found(make_data(channels=2, scores=True), small, plan=pixels_plan)


def test_a_sample_that_the_config_does_not_use_does_not_count():
    data = make_data()
    data['annotations'][7]['label'] = 5
    data['split']['test'].remove('s7')
    assert check(data, PLAN) == []


@pytest.mark.parametrize(
    'name, expected',
    [
        ('csre_ctrgcn_nwucla', (('train',), ('val',), 10, 20, 1, 0.0, True)),
        ('csre_ctrgcn_ntu60', (('xsub_train',), ('xsub_val',), 60, 25, 2, 0.3, False)),
        ('csre_posec3d_ntu60', (('xsub_train',), ('xsub_val',), 60, 25, None, 0.0, True)),
    ],
)
def test_the_plan_of_a_shipped_config(name, expected):
    plan = read_plan(Config.fromfile(config(name)))
    joints = set(plan.shape.joints.values())
    assert expected == (
        plan.train,
        plan.test,
        plan.num_classes,
        joints.pop(),
        plan.shape.persons,
        plan.rotation,
        plan.normalizes,
    )
    assert not joints
    assert (plan.shape.coordinates, plan.shape.features) == (3, 1)


def make_config(**model):
    cfg = Config.fromfile(config('csre_ctrgcn_ntu60'))
    cfg.merge_from_dict({'model': model})
    return cfg


def test_the_plan_of_changed_configs():
    cfg = make_config()
    cfg.model.backbone.graph_cfg.layout = 'coco'
    assert read_plan(cfg).shape.joints == {
        'model.data_preprocessor.layout': 25,
        'model.backbone.graph_cfg.layout': 17,
    }
    edges = [(i + 1, i) for i in range(17)]
    cfg.model.backbone.graph_cfg.layout = dict(num_node=18, inward=edges, center=0)
    assert read_plan(cfg).shape.joints['model.backbone.graph_cfg.layout'] == 18
    dataset = cfg.train_dataloader.dataset
    del dataset['split']
    joined = dict(type='ConcatDataset', datasets=[dataset, dict(dataset, split='more')])
    cfg.train_dataloader.dataset = dict(type='RepeatDataset', times=2, dataset=joined)
    dataset.pipeline.append(dict(type='GenSkeFeat', feats=['j', 'b']))
    plan = read_plan(cfg)
    assert (plan.train, plan.shape.features) == ((None, 'more'), 2)


@pytest.mark.parametrize(
    'key, value, part',
    [
        ('model.cls_head.num_classes', '60', "num_classes is '60', expected an integer from 1"),
        ('model.data_preprocessor.layout', 'none', "no skeleton layout 'none'"),
        ('train_dataloader', None, 'no train_dataloader.dataset'),
        ('model.backbone', 3, 'not one of a skeleton recognizer'),
    ],
)
def test_configs_that_are_none(key, value, part):
    cfg = Config.fromfile(config('csre_ctrgcn_ntu60'))
    *path, last = key.split('.')
    node = cfg
    for name in path:
        node = node[name]
    node[last] = value
    with pytest.raises(InputError, match=part):
        read_plan(cfg)


def test_a_split_that_a_config_does_not_name_is_the_whole_file():
    data = make_data() | {'split': {}}
    plan = plan_with(train=(None,), test=(None,))
    assert {one[1] for one in check(data, plan)} == {'overlap'}


def test_a_shipped_config_and_a_file_for_it(ntu_file):
    cfg = make_config(cls_head=dict(num_classes=3))
    data = load_annotations(ntu_file)
    assert check(data, read_plan(cfg)) == []


@pytest.mark.parametrize('coordinates, wanted', [(3, '3, with Project'), (2, '2, without Project')])
def test_coordinates_of_what_becomes_heatmaps(coordinates, wanted):
    shape = dict(heatmaps=True, coordinates=coordinates, channels=5, persons=None)
    plan = replace(shape_with(**shape), rotation=0.0, normalizes=True)
    found = 5 - coordinates  # the other of the two
    expected = ('error', 'config', None, f'keypoint has {found} coordinates, expected {wanted}')
    assert_found(make_data(channels=found), expected, plan=plan)
