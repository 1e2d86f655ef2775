"""What a checkpoint was trained with, against the config that uses it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from csre_mm.datasets.layouts import SkeletonLayout, get_layout
from csre_mm.utils.config import last_value, pipeline_of
from csre_mm.utils.config_text import parse_settings
from csre_mm.utils.errors import InputError

STREAM = 'model.data_preprocessor.stream'
_PIPELINE: dict[str, Any] = {'feats': None, 'with_kp': True, 'with_limb': False, 'clip_len': None}
"""Keys of the transforms that decide what the encoder sees, and their defaults."""


def settings_of(cfg: Mapping[str, Any]) -> dict[str, Any]:
    """Stream, layout, window and classes of a config, by the keys to change."""
    model, found = cfg.get('model') or {}, {}
    preprocessor = model.get('data_preprocessor') or {}
    if preprocessor.get('type') == 'SkeletonPreprocessor':
        found[STREAM] = preprocessor.get('stream', 'j')
        layout = get_layout(preprocessor.get('layout', 'nturgb+d'))
        found['model.data_preprocessor.layout'] = replace(layout, edges=tuple(sorted(layout.edges)))
    found['model.cls_head.num_classes'] = (model.get('cls_head') or {}).get('num_classes')
    if cfg.get('test_dataloader'):
        pipeline = pipeline_of(cfg)
        for key, default in _PIPELINE.items():
            value = last_value(pipeline, key)
            value = list(value) if isinstance(value, list | tuple) else value
            found[f'{key} of the pipeline'] = default if value is None else value
    return found


def check_trained_with(
    cfg: Mapping[str, Any], content: Any, where: str, keys: Sequence[str] = ()
) -> None:
    """Compare the config in a checkpoint, if there is one, with the one that uses it.

    Weights of the bone stream fit a model of the joint stream, and answer at chance. ``keys`` of
    :func:`settings_of` are compared, all by default.
    """
    meta = content.get('meta') if isinstance(content, Mapping) else None
    text = meta.get('cfg') if isinstance(meta, Mapping) else None
    try:
        trained = settings_of(parse_settings(text)) if isinstance(text, str) else {}
    except (ValueError, TypeError, AttributeError, KeyError):  # somebody else's config
        return
    now = settings_of(cfg)
    for key in keys or sorted(trained):
        before, value = trained.get(key), now.get(key)
        if None not in (before, value) and _unnamed(before) != _unnamed(value):
            before, value = (getattr(found, 'name', found) for found in (before, value))
            raise InputError(
                f'{where}: {key} was {before} in training, the config has {value}: set it to '
                f'{before}'
            )


def _unnamed(value: Any) -> Any:
    """A layout without its name: equal ones may be written out or named."""
    return replace(value, name='') if isinstance(value, SkeletonLayout) else value
