"""What a config with CSRE leaves out: the numbers of the feature map, and the hook."""

import copy
import inspect
import logging
from typing import Any

import numpy as np
from mmaction.datasets import PackActionInputs
from mmaction.registry import MODELS
from mmengine.config import Config, ConfigDict
from mmengine.dataset import Compose, pseudo_collate
from mmengine.logging import print_log
from mmengine.registry import init_default_scope
from torch import Tensor

from csre_mm.datasets.input_shape import InputShape, read_input_shape
from csre_mm.models.necks.feature_map import FeatureMap, check_numbers, find_feature_map
from csre_mm.utils.config import build, has_csre, innermost_datasets, pipeline_of
from csre_mm.utils.errors import InputError, one_line
from csre_mm.utils.random import seeded_aside

_META_KEYS = inspect.signature(PackActionInputs).parameters['meta_keys'].default
_FRAMES = 100  # of the recording that goes through the pipeline


def complete_config(cfg: Config) -> Config:
    """Add what a config need not say: ``MemoryBankHook``, and for CSRE the numbers of the neck.

    Channels, frames, joints (or places) and whether there is a person axis come from one dry run of
    the encoder on a random recording that went through the training pipeline. Numbers that the
    config has are checked; if it has all of them, a dry run that fails is a warning.

    Args:
        cfg: A config of a training; it is changed.

    Returns:
        ``cfg``.

    Raises:
        InputError: If the config has wrong numbers, or the dry run fails.

    Example:
        >>> from csre_mm.apis import get_config
        >>> neck = complete_config(get_config('csre_ctrgcn_ntu60')).model.neck
        >>> neck.in_channels, neck.num_frames, neck.num_joints, neck.with_persons
        (256, 16, 25, True)
    """
    hooks = list(cfg.get('custom_hooks') or [])
    if not any(hook.get('type') == 'MemoryBankHook' for hook in hooks):
        cfg.custom_hooks = [*hooks, ConfigDict(type='MemoryBankHook')]
    if not has_csre(cfg):
        return cfg
    # The workers of an IterBasedTrainLoop start before a hook could ask for it.
    for _, dataset in innermost_datasets(cfg, 'train_dataloader'):
        for step in dataset.get('pipeline') or ():
            if step.get('type') == 'PackActionInputs':
                keys = step.get('meta_keys', _META_KEYS)
                step['meta_keys'] = tuple(dict.fromkeys([*keys, 'sample_idx']))
    init_default_scope(cfg.get('default_scope', 'mmaction'))
    neck = cfg.model.neck
    if 'input_shape' in neck:  # RecognizerCSRE reads it
        return cfg
    shape = read_input_shape(cfg, training=True)
    with seeded_aside(0):
        encoder = build(MODELS.build, copy.deepcopy(cfg.model.backbone))
        try:
            found = find_feature_map(encoder, example_input(cfg, shape), shape.heatmaps)
        except InputError as error:
            if not neck.keys() >= set(FeatureMap._fields):
                raise
            message = f'The numbers of model.neck are not checked: {error}'
            print_log(message, 'current', logging.WARNING)
            return cfg
    check_numbers(neck, found)
    neck.update(found._asdict())
    return cfg


def example_input(cfg: Config, shape: InputShape) -> Tensor:
    """What the training pipeline and the preprocessor make of a random recording for the encoder.

    (clips, M, T, V, C), or heatmaps (clips, V, T, H, W).
    """
    state = np.random.get_state()
    try:
        steps = copy.deepcopy(list(pipeline_of(cfg, training=True)))
        types = {step['type'] for step in steps}
        drawn = shape.heatmaps and 'ProjectToImage' not in types
        recording = _recording(shape, planar=drawn or 'PreNormalize2D' in types)
        batch = pseudo_collate([Compose(steps)(recording)])
        settings = cfg.model.get('data_preprocessor') or dict(type='ActionDataPreprocessor')
        preprocessor = MODELS.build(copy.deepcopy(settings))
        return preprocessor(batch, training=False)['inputs'].flatten(0, 1)
    except InputError:
        raise
    except Exception as error:  # a pipeline is the user's code
        reason = f'{type(error).__name__}: {one_line(error, 150)}'
        raise InputError(
            f'the dry run of the training pipeline fails ({reason}): set '
            'model.neck.in_channels, num_frames, num_joints and with_persons'
        ) from error
    finally:
        np.random.set_state(state)


def _recording(shape: InputShape, planar: bool) -> dict[str, Any]:
    """A random recording; in the plane it has pixels, and scores if the model takes them."""
    if shape.num_joints is None:
        raise InputError(
            'the config does not say how many joints there are (layout of the preprocessor or of '
            'model.backbone.graph_cfg): set model.neck.in_channels, num_frames, num_joints and '
            'with_persons'
        )
    generator = np.random.default_rng(0)
    size = shape.persons or 1, _FRAMES, shape.num_joints
    dims = 2 if planar else shape.coordinates or 3
    keypoint = generator.uniform(0.1, 1.0, (*size, dims)).astype(np.float32)
    recording: dict[str, Any] = dict(
        frame_dir='dry run',
        label=0,
        total_frames=_FRAMES,
        keypoint=keypoint,
        modality='Pose',
        start_index=0,
        test_mode=False,
        sample_idx=0,
        img_shape=(1080, 1920),
        original_shape=(1080, 1920),
    )
    if planar:
        recording['keypoint'] = keypoint * np.array([1920, 1080], np.float32)
    if planar and (shape.heatmaps or shape.coordinates != 2):
        recording['keypoint_score'] = generator.uniform(0.5, 1, size).astype(np.float32)
    return recording
