"""The part of a config that testing uses, with CSRE taken off."""

import copy
from typing import Any

import torch
from mmengine.config import Config, ConfigDict
from torch import Tensor

from csre_mm.apis.inputs import input_shape
from csre_mm.utils.errors import InputError

_TESTING = (
    'default_scope',
    'custom_imports',
    'env_cfg',
    'model',
    'test_dataloader',
    'test_evaluator',
    'test_cfg',
)


def has_csre(cfg: Config) -> bool:
    """Whether the model of a config has the train-only neck."""
    return (cfg.get('model', {}).get('neck') or {}).get('type') == 'CSRENeck'


def baseline_model(cfg: Config) -> ConfigDict:
    """The settings of the model without CSRE: those of the baseline config.

    Raises:
        InputError: If the config has no model.
    """
    if not isinstance(cfg.get('model'), dict):
        raise InputError('the config has no model')
    settings = copy.deepcopy(cfg.model)
    if has_csre(cfg):
        del settings['neck']
    if settings.get('type') == 'RecognizerCSRE':
        settings['type'] = 'RecognizerGCN'
    return settings


def testing_config(cfg: Config) -> Config:
    """The config of a test of the baseline: model, test data, and what builds them.

    Raises:
        InputError: If the config has no model.
    """
    kept = {key: copy.deepcopy(cfg[key]) for key in _TESTING if key in cfg}
    return Config({**kept, 'model': baseline_model(cfg)})


def example_clips(
    model: Any, cfg: Config, count: int, training: bool = False, seed: int = 0
) -> Tensor:
    """Random clips in the shape that the pipeline and the preprocessor hand to the encoder.

    In every second clip the last of the persons, or of the joints of a heat map, is absent, that
    is, zero, as it happens in data.

    Args:
        model: The model, for its preprocessor.
        cfg: Its config.
        count: Clips N.
        training: Whether the training pipeline says the shape, and not the testing one.
        seed: Of the random numbers.

    Returns:
        (N, M, T, V, C) for skeletons, (N, V, T, H, W) for heat maps.

    Raises:
        InputError: If there is no such pipeline, or it does not say the shape.
    """
    loader = 'train_dataloader' if training else 'test_dataloader'
    if not cfg.get(loader):
        raise InputError(f'the config has no {loader}, whose pipeline says the shape of a clip')
    generator = torch.Generator().manual_seed(seed)
    shape = input_shape(cfg, training)
    clips = torch.randn(count, *shape, generator=generator)
    if shape[1] > 1:
        clips[1::2, :, -1] = 0
    with torch.no_grad():
        data = model.data_preprocessor({'inputs': list(clips), 'data_samples': []})
    return data['inputs'].flatten(0, 1)  # (N, 1, ...) -> (N, ...)
