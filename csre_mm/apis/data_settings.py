"""The settings of a data set in one place of a config, brought to all places that need them."""

import argparse
import copy
import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from mmaction.registry import MODELS
from mmengine.config import Config, ConfigDict

from csre_mm.datasets.layouts import get_layout
from csre_mm.utils import config
from csre_mm.utils.errors import InputError, as_input_error

KEYS = (
    *('ann_file', 'train_split', 'test_split', 'layout', 'num_person', 'in_channels', 'window'),
    *('num_classes', 'class_names', 'planar', 'invalid'),
)
"""What ``data`` may hold. The class names are read where they are shown; ``planar`` stands for
coordinates in pixels with a score for each joint; ``invalid`` is that of the data sets."""

_CENTRED = ('CenterSkeleton', 'NormalizeRange')
_IN_SPACE = (*_CENTRED, 'PreNormalize3D')  # transforms of three coordinates
_LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')


def merge_options(cfg: Config, options: dict | None) -> Config:
    """Apply ``--cfg-options``, which win over the other flags, then the key ``data``.

    Raises:
        InputError: If a key leads through something that is not a dictionary or a list, ``data``
            has a key that it does not know, or an option is of a place that ``data`` sets.

    Example:
        >>> from csre_mm.apis import get_config
        >>> cfg = merge_options(get_config('ctrgcn_ntu60'), {'data.ann_file': 'own.pkl'})
        >>> cfg.train_dataloader.dataset.ann_file, cfg.test_dataloader.dataset.ann_file
        ('own.pkl', 'own.pkl')
    """
    cfg = config.apply_options(cfg, options)
    given = copy.deepcopy({key: _value_at(cfg, key) for key in options or {}})
    before = copy.deepcopy(cfg) if given and cfg.get('data') else cfg
    cfg = apply_data_settings(cfg)
    for key, value in given.items():
        moved = '.pipeline.' in key and (cfg.get('data') or {}).get('planar')
        if not moved and not _holds(value, _value_at(cfg, key)):
            _refuse(before, key, value)
    return cfg


def _value_at(cfg: Any, key: str) -> Any:
    """The value at a dotted key; None if there is none."""
    for part in key.split('.'):
        try:
            cfg = cfg[int(part) if isinstance(cfg, list | tuple) else part]
        except (KeyError, IndexError, ValueError, TypeError):
            return None
    return cfg


def _holds(given: Any, found: Any) -> bool:
    """Whether a value is still there, perhaps with further keys."""
    if isinstance(given, Mapping) and isinstance(found, Mapping):
        return all(_holds(value, found.get(key)) for key, value in given.items())
    if isinstance(given, list | tuple) and isinstance(found, list | tuple):
        return len(given) == len(found) and all(map(_holds, given, found))
    return given == found


def _refuse(before: Config, key: str, value: Any) -> None:
    """Name the setting of ``data`` that takes the place of an option."""
    for name, setting in before.data.items():
        cfg = copy.deepcopy(before)
        cfg.data = ConfigDict({name: setting})
        if not _holds(value, _value_at(apply_data_settings(cfg), key)):
            raise InputError(
                f'--cfg-options {key}={value} has no effect, the config sets it by data.{name}='
                f'{setting}: set data.{name}'
            )


def read_config_of(args: argparse.Namespace) -> Config:
    """The config of ``args.config`` with ``args.cfg_options``."""
    return merge_options(config.read_config(args.config), args.cfg_options)


def apply_data_settings(cfg: Config) -> Config:
    """Bring the values of the key ``data`` to loaders, pipelines and model of a config."""
    data = cfg.get('data')
    if data is None:
        return cfg
    unknown = sorted(set(data) - set(KEYS))
    if unknown:
        raise InputError(f'data.{unknown[0]} is no setting of the data, expected {", ".join(KEYS)}')
    with as_input_error('the settings of data do not fit the config'):
        _apply(cfg, {key: value for key, value in data.items() if value is not None})
    return cfg


def _apply(cfg: Config, given: Mapping[str, Any]) -> None:
    for loader in _LOADERS:
        if cfg.get(loader):
            split = 'train_split' if loader == 'train_dataloader' else 'test_split'
            for _, dataset in config.innermost_datasets(cfg, loader):
                _set(dataset, given, ann_file='ann_file', split=split, invalid='invalid')
                dataset['pipeline'] = list(_steps(dataset.get('pipeline') or (), given))
    if cfg.get('model'):
        _set_model(cfg.model, given)


def _set(node: Any, given: Mapping[str, Any], **names: str) -> None:
    """Set keys of a node to the settings of other names, where these are given."""
    for key, name in names.items():
        if name in given:
            node[key] = given[name]


def _steps(pipeline: Any, given: Mapping[str, Any]) -> Iterator[Any]:
    """The transforms of a pipeline with the settings in them."""
    planar = given.get('planar')
    streams = [step for step in pipeline if step['type'] == 'GenSkeFeat']
    for step in pipeline:
        if 'clip_len' in step:
            _set(step, given, clip_len='window')
        if step['type'] == 'FormatGCNInput':
            _set(step, given, num_person='num_person')
        if planar and step['type'] == 'ProjectToImage':
            continue
        if planar and step['type'] in _IN_SPACE:
            yield ConfigDict(type='PreNormalize2D')
            if not streams:  # it appends the score
                yield ConfigDict(type='GenSkeFeat', dataset='coco', feats=['j'])
            continue
        if planar and step in streams and [*step.get('feats', 'j')] == ['j']:
            step['dataset'] = 'coco'  # that of NTU RGB+D has no scores
        if step['type'] in _CENTRED and 'layout' in given:
            step['joint'] = get_layout(given['layout']).center
        yield step


def _set_model(model: Any, given: Mapping[str, Any]) -> None:
    backbone, head = model.get('backbone') or {}, model.get('cls_head') or {}
    kind = backbone.get('type')
    kind = MODELS.get(kind) if isinstance(kind, str) else kind
    taken = set(inspect.signature(kind.__init__).parameters) if inspect.isclass(kind) else set()
    for key in taken & {'num_person', 'in_channels'}:
        _set(backbone, given, **{key: key})
    _set(head, given, num_classes='num_classes')
    if head.get('type') == 'HCNHead' and 'window' in given:
        head['num_frames'] = given['window'] // 16
    preprocessor = model.get('data_preprocessor') or {}
    ours = preprocessor.get('type') == 'SkeletonPreprocessor'
    if ours and given.get('planar'):
        preprocessor.update(score_channel=True, rotation=0.0)
    if 'layout' not in given:
        return
    layout = get_layout(given['layout'])
    if 'graph_cfg' in taken:
        in_csre_mm = kind.__module__.startswith('csre_mm')
        graph = given['layout'] if in_csre_mm else layout.as_graph_layout()
        backbone['graph_cfg'] = {**(backbone.get('graph_cfg') or {}), 'layout': graph}
    if ours:
        preprocessor['layout'] = given['layout']
        if preprocessor.get('origin_joint') is not None:
            preprocessor['origin_joint'] = layout.center
