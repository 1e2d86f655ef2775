"""Reading configs: files, options, and the settings inside of wrapped data sets."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.runner import Runner

from csre_mm.utils.errors import InputError, as_input_error
from csre_mm.utils.project import find_config, suggest

_DICTIONARIES = (
    *('model', 'model.backbone', 'model.neck', 'model.cls_head', 'model.data_preprocessor'),
    *('train_dataloader', 'val_dataloader', 'test_dataloader', 'train_cfg', 'optim_wrapper'),
    *('default_hooks', 'data', 'env_cfg'),
)


def read_config(path: str) -> Config:
    """Read a config: a file, else the shipped config of that name.

    Its text in logs and checkpoints has a value per line and is not formatted by yapf.

    Example:
        >>> read_config('csre_ctrgcn_ntu60').model.type
        'RecognizerCSRE'

    Raises:
        InputError: If there is no such config, or it or one of its bases is invalid.
    """
    if not Path(path).is_file():
        path = str(find_config(path))
    try:
        with as_input_error(f'{path} cannot be read as a config'):
            cfg = Config.fromfile(path)
    except FileNotFoundError as error:
        what = 'a base is missing' if error.filename is None else 'it reads a file'
        raise InputError(f'{path}: {what}: {error}') from error
    check_kinds(cfg)
    # mmengine formats the text of a config for the log and for every checkpoint, which takes a
    # second where a layout is written out; its own argument for that does not reach such files.
    object.__setattr__(cfg, '_format_python_code', False)
    return cfg


def get_config(name: str) -> Config:
    """Read a shipped config by its name, with or without ``.py``.

    Example:
        >>> get_config('csre_ctrgcn_ntu60').model.neck.type
        'CSRENeck'

    Raises:
        InputError: If there is none, with similar names.
    """
    return read_config(str(find_config(name)))


_RUNNER_KEYS = {*inspect.signature(Runner.__init__).parameters}
_OTHER_KEYS = {'auto_scale_lr', 'custom_imports', 'data', 'runner_type', 'tracker'}


def apply_options(cfg: Config, options: dict | None) -> Config:
    """Apply ``--cfg-options``; an ``InputError`` names the key that nothing takes."""
    known = sorted({*cfg, *_RUNNER_KEYS, *_OTHER_KEYS})
    for key in options or {}:
        name = key.partition('.')[0]
        if name not in known:
            raise InputError(f'--cfg-options {key}: the config has no {name}{suggest(name, known)}')
    with as_input_error('--cfg-options'):
        cfg.merge_from_dict(options or {})
    return check_kinds(cfg)


def check_kinds(cfg: Config) -> Config:
    """Check that what all commands take for a dictionary, or a list of them, is one."""
    for key in _DICTIONARIES:
        outer, _, inner = key.rpartition('.')
        value = ((cfg.get(outer) or {}) if outer else cfg).get(inner)
        if not isinstance(value, Mapping | None):
            raise InputError(f'{key} is {value!r:.40}, expected a dictionary')
    hooks = cfg.get('custom_hooks')
    if not isinstance(hooks, list | None) or not all(isinstance(h, Mapping) for h in hooks or ()):
        raise InputError(f'custom_hooks is {hooks!r:.40}, expected a list of dictionaries')
    return cfg


def build(builder: Callable[[Any], Any], settings: Any) -> Any:
    """Build an object of a config, as ``build(MODELS.build, cfg.model)``, or say what fails."""
    with as_input_error('the config cannot be built'):
        return builder(settings)


def has_csre(cfg: Mapping[str, Any]) -> bool:
    """Whether the model of a config has the train-only neck."""
    return is_csre_neck((cfg.get('model') or {}).get('neck'))


def is_csre_neck(settings: Any) -> bool:
    """Whether settings are of ``CSRENeck``: its name, with or without a scope, or the class."""
    kind = settings.get('type') if isinstance(settings, Mapping) else None
    names = [kind] if isinstance(kind, str) else [c.__name__ for c in getattr(kind, '__mro__', ())]
    return any(name.rpartition('.')[2] == 'CSRENeck' for name in names)


def innermost_datasets(cfg: Mapping[str, Any], loader: str) -> list[tuple[str, Any]]:
    """The data sets that read files, inside of wrappers that repeat, balance or join them.

    Returns:
        The dotted key and the settings of each below ``loader``, in the order of the config.
    """
    key, dataset = f'{loader}.dataset', (cfg.get(loader) or {}).get('dataset')
    if not isinstance(dataset, Mapping):
        raise InputError(f'the config has no {key}')
    return _innermost(key, dataset)


def _innermost(key: str, dataset: Mapping[str, Any]) -> list[tuple[str, Any]]:
    inner = {f'{key}.datasets.{i}': d for i, d in enumerate(dataset.get('datasets') or ())}
    if dataset.get('dataset'):
        inner[f'{key}.dataset'] = dataset['dataset']
    if not inner:
        return [(key, dataset)]
    return [found for place, settings in inner.items() for found in _innermost(place, settings)]


def pipeline_of(cfg: Mapping[str, Any], training: bool = False) -> Sequence[dict[str, Any]]:
    """The transforms of the training or the testing data; of joined data sets, of the first."""
    loader = 'train_dataloader' if training else 'test_dataloader'
    key, dataset = innermost_datasets(cfg, loader)[0]
    if not dataset.get('pipeline'):
        raise InputError(f'the config has no {key}.pipeline')
    return dataset['pipeline']


def last_value(pipeline: Sequence[Mapping[str, Any]], key: str) -> Any:
    """The value of a key in the last transform that has it; None if none has."""
    return next((step[key] for step in reversed(pipeline) if key in step), None)
