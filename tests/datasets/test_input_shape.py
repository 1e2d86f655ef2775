import copy
import random

import numpy as np
import pytest
import torch
from mmengine.config import Config

from csre_mm.datasets.input_shape import check_channels, read_input_shape
from csre_mm.utils.errors import InputError
from tests.conftest import config


def read(name):
    return Config.fromfile(config(name))


@pytest.mark.parametrize('training', [True, False])
@pytest.mark.parametrize(
    'name, shape',
    [
        ('ctrgcn_ntu60', (1, 2, 64, 25, 3)),
        ('csre_blockgcn_ntu60', (1, 2, 64, 25, 3)),  # the raw joints are appended behind
        ('2sagcn_ntu120_xset', (1, 2, 300, 25, 3)),
        ('hyperformer_nwucla', (1, 1, 52, 20, 3)),  # RepeatDataset
        ('stgcn_ntu60', (1, 2, 100, 25, 3)),  # RepeatDataset; ten clips in testing
    ],
)
def test_shape_of_a_skeleton_config(name, shape, training):
    assert read_input_shape(read(name), training).sample() == shape


@pytest.mark.parametrize('training, size', [(True, 56), (False, 64)])
def test_shape_of_heatmaps(training, size):
    assert read_input_shape(read('posec3d_ntu60'), training).sample() == (1, 25, 48, size, size)


def test_the_testing_pipeline_is_the_default():
    assert read_input_shape(read('posec3d_ntu60')).sample() == (1, 25, 48, 64, 64)


def test_heatmaps_that_are_not_square():
    """Sizes are width and height in the pipelines."""
    cfg = read('posec3d_ntu60')
    for step in cfg.train_dataloader.dataset.dataset.pipeline:
        if step.get('scale') == (56, 56):
            step.scale = (40, 56)
    assert read_input_shape(cfg, training=True).sample() == (1, 25, 48, 56, 40)


def test_follows_the_options_of_a_config():
    cfg = read('ctrgcn_ntu60')
    cfg.merge_from_dict({'model.backbone.in_channels': 2, 'model.backbone.num_person': 1})
    for step in cfg.test_dataloader.dataset.pipeline:
        if 'clip_len' in step:
            step.clip_len = 40
        if 'num_person' in step:
            step.num_person = 1
    assert read_input_shape(cfg).sample() == (1, 1, 40, 25, 2)
    shape = read_input_shape(cfg, training=True)  # that pipeline is unchanged
    assert (shape.persons, shape.frames) == (2, 64)


def test_finds_the_pipeline_however_deep():
    cfg = read('hyperformer_nwucla')
    dataset = cfg.train_dataloader.dataset
    cfg.train_dataloader.dataset = dict(type='RepeatDataset', times=2, dataset=dataset)
    assert read_input_shape(cfg, training=True).sample() == (1, 1, 52, 20, 3)


def test_a_user_defined_layout():
    cfg = read('ctrgcn_ntu60')
    cfg.model.data_preprocessor.layout = dict(num_joints=3, edges=[(1, 0), (2, 1)], center=0)
    assert read_input_shape(cfg).sample() == (1, 2, 64, 3, 3)


@pytest.mark.parametrize('name', ['ctrgcn_ntu60', 'stgcn_ntu60', 'posec3d_ntu60'])
@pytest.mark.parametrize('training', [True, False])
def test_a_pipeline_without_a_window_is_an_error(name, training):
    cfg = read(name)
    dataset = (cfg.train_dataloader if training else cfg.test_dataloader).dataset
    dataset = dataset.get('dataset', dataset)
    dataset.pipeline = [step for step in dataset.pipeline if 'clip_len' not in step]
    with pytest.raises(InputError, match='no transform of the pipeline has a clip_len') as error:
        read_input_shape(cfg, training).sample()
    assert '\n' not in str(error.value)


def test_a_pipeline_without_persons_is_an_error():
    cfg = read('ctrgcn_ntu60')
    pipeline = cfg.test_dataloader.dataset.pipeline
    cfg.test_dataloader.dataset.pipeline = [s for s in pipeline if 'num_person' not in s]
    with pytest.raises(InputError, match='no transform of the pipeline has a num_person'):
        read_input_shape(cfg).sample()


def test_the_config_is_left_as_it_is():
    cfg = read('hyperformer_nwucla')
    before = copy.deepcopy(cfg.to_dict())
    read_input_shape(cfg, training=True).sample()
    assert cfg.to_dict() == before


class Samples:
    """A data set whose pipeline draws random numbers."""

    def __init__(self, *shape):
        self.shape = shape

    def __getitem__(self, index):
        random.random()
        return {'inputs': torch.rand(self.shape) + np.random.rand()}


@pytest.mark.parametrize(
    'name, good, bad, advice',
    [
        ('ctrgcn_ntu60', (1, 2, 64, 25, 3), (1, 2, 64, 25, 2), 'is 3: set data.in_channels=2'),
        ('csre_blockgcn_own', (1, 2, 64, 9, 3), (1, 2, 64, 9, 4), 'is 3: set data.in_channels=4'),
        ('posec3d_ntu60', (1, 25, 48, 56, 56), (1, 17, 48, 56, 56), 'is 25: set it to the number'),
    ],
)
def test_channels_of_the_first_sample(name, good, bad, advice):
    states = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()
    check_channels(read(name), Samples(*good), 'train_dataloader')
    with pytest.raises(InputError, match=f'train_dataloader: .*{advice}'):
        check_channels(read(name), Samples(*bad), 'train_dataloader')
    assert states[:2] == (random.getstate(), np.random.get_state()[1].tolist())
    assert torch.equal(states[2], torch.get_rng_state())
