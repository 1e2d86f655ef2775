"""A trained recognizer as testing uses it: its config without CSRE, its weights, its inputs."""

import copy
from typing import Any

import torch
from mmaction.registry import MODELS
from mmengine.config import Config, ConfigDict
from mmengine.registry import init_default_scope
from torch import Tensor

from csre_mm.apis.data_settings import apply_data_settings
from csre_mm.datasets.input_shape import read_input_shape
from csre_mm.engine.hooks.inference_checkpoint_hook import matching_state
from csre_mm.engine.trained_with import check_trained_with
from csre_mm.utils.checkpoints import find_state_dict
from csre_mm.utils.config import build, has_csre
from csre_mm.utils.errors import InputError

_TESTING = (
    'default_scope',
    'custom_imports',
    'env_cfg',
    'data',
    'model',
    'test_dataloader',
    'test_evaluator',
    'test_cfg',
)


def baseline_model(cfg: Config) -> ConfigDict:
    """The settings of the model without CSRE: those of the baseline config."""
    if not isinstance(cfg.get('model'), dict):
        raise InputError('the config has no model')
    for part in ('backbone', 'cls_head'):
        if not cfg.model.get(part):
            raise InputError(f'the config has no model.{part}')
    settings = copy.deepcopy(cfg.model)
    if has_csre(cfg):
        del settings['neck']
    if settings.get('type') == 'RecognizerCSRE':
        settings['type'] = 'RecognizerGCN'
    return settings


def testing_config(cfg: Config) -> Config:
    """The config of a test of the baseline: model, test data, and what builds them."""
    cfg = apply_data_settings(copy.deepcopy(cfg))
    kept = {key: cfg[key] for key in _TESTING if key in cfg}
    return Config({**kept, 'model': baseline_model(cfg)})


def load_recognizer(cfg: Config, content: Any, where: str, device: str) -> Any:
    """Build a recognizer without its train-only neck, in evaluation mode, and load its weights.

    ``content`` is what the checkpoint ``where`` holds (:func:`load_checkpoint_file`). A checkpoint
    of another model, stream, layout or window, and a missing device, are an ``InputError``.
    """
    try:
        torch.zeros(1, device=device).item()  # which 'meta' has no value for
    except (RuntimeError, AssertionError, ImportError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f'no device {device!r}: {reason:.100}') from error
    state = find_state_dict(content, where)
    check_trained_with(cfg, content, where)
    init_default_scope(cfg.get('default_scope', 'mmaction'))
    model = build(MODELS.build, baseline_model(cfg))
    kept, _ = matching_state(state, model.state_dict(), where)
    model.load_state_dict(kept)
    return model.to(device).eval()


def example_clips(
    model: Any, cfg: Config, count: int, training: bool = False, seed: int = 0
) -> Tensor:
    """Random clips as the testing or the training pipeline and the preprocessor give them.

    (N, M, T, V, C) for skeletons, (N, V, T, H, W) for heatmaps, N the ``count``. In every second
    clip the last of the persons, or of the heatmaps, is zero, as it happens in data.
    """
    loader = 'train_dataloader' if training else 'test_dataloader'
    if not cfg.get(loader):
        raise InputError(f'the config has no {loader}, whose pipeline says the shape of a clip')
    generator = torch.Generator().manual_seed(seed)
    shape = read_input_shape(cfg, training).sample()
    clips = torch.randn(count, *shape, generator=generator)
    if shape[1] > 1:
        clips[1::2, :, -1] = 0
    with torch.no_grad():
        data = model.data_preprocessor({'inputs': list(clips), 'data_samples': []})
    return data['inputs'].flatten(0, 1)  # (N, 1, ...) -> (N, ...)
