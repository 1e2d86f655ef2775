"""The shape of a config's data, read from its pipeline and its model."""

import inspect
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from mmaction.models.utils import Graph
from mmaction.registry import MODELS

from csre_mm.datasets.layouts import get_layout
from csre_mm.datasets.valid_joints import PIXELS, body_extent, find_no_pixels, valid_joints
from csre_mm.utils.config import innermost_datasets, last_value, pipeline_of
from csre_mm.utils.errors import InputError, as_input_error
from csre_mm.utils.random import seeded_aside

NORMALIZING = ('PreNormalize2D', 'NormalizeRange', 'PoseCompact')
"""Transforms that bring coordinates of any unit to one range."""
NO_RECOGNIZER = 'the config is not one of a skeleton recognizer'


@dataclass(frozen=True)
class InputShape:
    """The shape of the input and output of a pipeline; None for what the config leaves open."""

    persons: int | None = None  # M that the pipeline keeps; None if it keeps all
    frames: int | None = None  # T of a clip
    joints: dict[str, int] = field(default_factory=dict)  # V by the config key that gives them
    channels: int | None = None  # of a joint, or the number of heatmaps, as the encoder takes them
    features: int = 1  # of a joint that the pipeline joins; each has all coordinates
    coordinates: int | None = None  # C in a recording, with a score that becomes a channel
    heatmaps: bool = False  # whether the pipeline draws some
    size: tuple[int, int] | None = None  # their height and width
    pixels: bool = False  # whether the pipeline takes coordinates for pixels
    metres: bool = False  # whether the model sees distances in space as they are in the data

    @property
    def num_joints(self) -> int | None:
        """Joints V, according to the first key that gives them."""
        return next(iter(self.joints.values()), None)

    def sample(self) -> tuple[int, ...]:
        """The shape of a sample of one clip after the pipeline, if the config gives it.

        (1, M, T, V, C) for skeletons, (1, V, T, H, W) for heatmaps.
        """
        if self.frames is None:
            raise InputError('no transform of the pipeline has a clip_len')
        if self.heatmaps:
            if self.channels is None or self.size is None:
                raise InputError('model.backbone.in_channels or the size of the heatmaps is unset')
            return 1, self.channels, self.frames, *self.size
        if self.persons is None or self.channels is None:
            raise InputError('no transform of the pipeline has a num_person')
        if self.num_joints is None:
            raise InputError('neither the preprocessor nor the graph of the encoder has a layout')
        return 1, self.persons, self.frames, self.num_joints, self.channels

    def check(self, keypoint: np.ndarray, has_score: bool, name: str) -> None:
        """Insist on the joints and coordinates of the model's input in (M, T, V, C).

        ``has_score`` says whether the recording has a score for each joint, too.
        """
        coordinates = self.coordinates
        if coordinates and has_score and self.persons:
            coordinates -= 1  # the score becomes a channel
        expected = (self.num_joints, coordinates)
        found = keypoint.shape[2:]
        if any(want not in (None, have) for want, have in zip(expected, found, strict=True)):
            raise InputError(
                f'{name}: the skeleton has the shape {keypoint.shape}, the model takes '
                f'(M persons, T frames, {self.num_joints or "V"} joints, '
                f'{coordinates or "C"} coordinates)'
            )
        if self.pixels and (fault := find_no_pixels(keypoint)):
            raise InputError(f'{name}: {fault}')

    def remark(self, keypoint: np.ndarray, name: str) -> str | None:
        """What is odd about coordinates (M, T, V, C) that :meth:`check` lets pass."""
        extent = body_extent(keypoint, valid_joints(keypoint)) if self.metres else 0
        if not extent > PIXELS:
            return None
        return (
            f'{name}: the body spans {extent:,.0f}, which looks like millimetres or centimetres; '
            'a model that was trained on metres gives void answers'
        )


def positive_integer(
    node: Mapping[str, Any], key: str, default: int | None, where: str
) -> int | None:
    """Read a number of a config, which has to be an integer from 1."""
    value = node.get(key, default)
    if value is not None and (type(value) is not int or value < 1):
        raise InputError(f'{where}.{key} is {value!r}, expected an integer from 1')
    return value


@as_input_error(NO_RECOGNIZER)
def read_input_shape(cfg: Mapping[str, Any], training: bool = False) -> InputShape:
    """Read the shape of the testing data, or of the training data, of a skeleton recognizer."""
    pipeline = pipeline_of(cfg, training)
    steps = {step['type']: step for step in pipeline}
    model = cfg.get('model') or {}
    backbone = model.get('backbone') or {}
    found: dict[str, Any] = {
        'metres': not steps.keys() & {*NORMALIZING, 'ProjectToImage', 'GeneratePoseTarget'},
        'pixels': 'PreNormalize2D' in steps,
        'frames': last_value(pipeline, 'clip_len'),
        'joints': dict(_joints(model)),
        'features': len(steps.get('GenSkeFeat', {}).get('feats', 'j')),
    }
    if 'FormatGCNInput' in steps:
        step = steps['FormatGCNInput']
        found['persons'] = positive_integer(step, 'num_person', 2, 'FormatGCNInput')
        found['channels'] = positive_integer(backbone, 'in_channels', 3, 'model.backbone')
        found['coordinates'] = found['channels'] // found['features']
    if 'GeneratePoseTarget' in steps:
        step = steps['GeneratePoseTarget']
        found['heatmaps'] = True
        found['channels'] = positive_integer(backbone, 'in_channels', None, 'model.backbone')
        found['coordinates'] = 3 if 'ProjectToImage' in steps else 2
        if step.get('with_kp', True) and not step.get('with_limb', False) and found['channels']:
            found['joints']['model.backbone.in_channels'] = found['channels']
        size = last_value(pipeline, 'scale' if training else 'crop_size')
        if size is not None:  # width and height
            found['size'] = (size, size) if isinstance(size, int) else tuple(size)[::-1]
    found['metres'] = found['metres'] and found.get('coordinates') == 3
    return InputShape(**found)


def check_channels(cfg: Mapping[str, Any], dataset: Sequence[Mapping[str, Any]], key: str) -> None:
    """Insist on a first sample, after the pipeline, with the channels that the encoder takes.

    ``key`` is the data loader in messages. 2D data and a model of 3D differ, for example.
    """
    backbone = (cfg.get('model') or {}).get('backbone') or {}
    kind = MODELS.get(backbone['type']) if isinstance(backbone.get('type'), str) else None
    parameter = inspect.signature(kind).parameters.get('in_channels') if kind else None
    expected = backbone.get('in_channels', parameter.default if parameter else None)
    if type(expected) is not int:
        return
    states = random.getstate(), np.random.get_state()
    try:
        with seeded_aside(0):
            inputs = dataset[0].get('inputs')
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
    if inputs is None or not hasattr(inputs, 'shape'):
        return
    _, settings = innermost_datasets(cfg, key)[0]
    drawn = any(step['type'] == 'GeneratePoseTarget' for step in settings.get('pipeline') or ())
    found = inputs.shape[1 if drawn else -1]  # (clips, V, T, H, W) or (clips, M, T, V, C)
    if found != expected:
        advice = 'set it to the number of joints' if drawn else f'set data.in_channels={found}'
        raise InputError(
            f'{key}: the pipeline gives {found} channels, model.backbone.in_channels is '
            f'{expected}: {advice}'
        )


def _joints(model: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    preprocessor = model.get('data_preprocessor') or {}
    if preprocessor.get('type') == 'SkeletonPreprocessor':
        layout = preprocessor.get('layout', 'nturgb+d')
        yield 'model.data_preprocessor.layout', get_layout(layout).num_joints
    layout = ((model.get('backbone') or {}).get('graph_cfg') or {}).get('layout')
    if layout is not None:
        yield 'model.backbone.graph_cfg.layout', Graph(layout).num_node
