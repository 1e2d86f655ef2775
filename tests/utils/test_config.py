import pytest
import torch

from csre_mm.utils.checkpoints import find_state_dict
from csre_mm.utils.config import (
    build,
    has_csre,
    innermost_datasets,
    last_value,
    pipeline_of,
    read_config,
)
from csre_mm.utils.errors import InputError
from tests.conftest import config

FILE = dict(type='SkeletonDataset', pipeline=[dict(type='A', size=1), dict(type='B', size=2)])
OTHER = dict(type='SkeletonDataset', split='other')


def loader(dataset):
    return {'train_dataloader': {'dataset': dataset}}


def test_innermost_datasets_have_the_keys_that_options_take():
    joined = dict(type='ConcatDataset', datasets=[FILE, dict(type='RepeatDataset', dataset=OTHER)])
    wrapped = dict(type='RepeatDataset', dataset=dict(type='ClassBalancedDataset', dataset=joined))
    inner = 'train_dataloader.dataset.dataset.dataset.datasets'
    assert innermost_datasets(loader(wrapped), 'train_dataloader') == [
        (f'{inner}.0', FILE),
        (f'{inner}.1.dataset', OTHER),
    ]
    assert innermost_datasets(loader(FILE), 'train_dataloader') == [
        ('train_dataloader.dataset', FILE)
    ]


def test_the_key_of_a_joined_dataset_is_an_option():
    cfg = read_config(str(config('csre_hcn_nwucla')))
    dataset = cfg.train_dataloader.dataset
    cfg.train_dataloader.dataset = dict(type='ConcatDataset', datasets=[dataset, dataset])
    (_, _), (key, _) = innermost_datasets(cfg, 'train_dataloader')
    cfg.merge_from_dict({f'{key}.split': 'changed'})
    assert innermost_datasets(cfg, 'train_dataloader')[1][1].split == 'changed'


@pytest.mark.parametrize('cfg', [{}, {'train_dataloader': None}, loader(None), loader(3)])
def test_a_config_without_data(cfg):
    with pytest.raises(InputError, match=r'the config has no train_dataloader\.dataset'):
        innermost_datasets(cfg, 'train_dataloader')


def test_pipelines():
    assert last_value(pipeline_of(loader(FILE), training=True), 'size') == 2
    assert last_value(FILE['pipeline'], 'other') is None
    with pytest.raises(InputError, match=r'no train_dataloader\.dataset\.pipeline'):
        pipeline_of(loader(OTHER), training=True)


def test_has_csre():
    assert has_csre(read_config(str(config('csre_hcn_nwucla'))))
    for cfg in (read_config(str(config('hcn_nwucla'))), {}, {'model': {'neck': None}}):
        assert not has_csre(cfg)


def test_what_cannot_be_built_is_one_line():
    def fail(settings):
        raise KeyError('no\nsuch type')

    assert build(dict, [('a', 1)]) == {'a': 1}
    with pytest.raises(InputError, match='the config cannot be built: KeyError: no'):
        build(fail, {})


def test_state_dicts():
    state = {'a': torch.ones(1)}
    for content in (state, {'module.a': state['a']}, {'state_dict': state, 'meta': {}}):
        assert find_state_dict(content, 'x') == state
    for content in ([], {}, {'state_dict': {}}, {'state_dict': None}):
        with pytest.raises(InputError, match='x holds no state_dict: it is no checkpoint'):
            find_state_dict(content, 'x')
    with pytest.raises(InputError, match="x holds no state_dict: 'meta' is a dict"):
        find_state_dict({'meta': {}}, 'x')
    with pytest.raises(InputError, match='x holds no state_dict'):
        find_state_dict(state, 'x', bare=False)
