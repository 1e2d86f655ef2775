"""From a checkpoint of a run to a small file of what testing needs."""

import hashlib
import io
import os
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.utils import import_modules_from_strings

from csre_mm.apis.recognizer import load_recognizer, testing_config
from csre_mm.utils.checkpoints import find_state_dict, load_checkpoint_file
from csre_mm.utils.config_text import parse_settings
from csre_mm.utils.errors import InputError, one_line
from csre_mm.utils.files import atomic_path
from csre_mm.utils.registered_types import check_types, registered_only
from csre_mm.version import __version__


@dataclass(frozen=True)
class Published:
    """What :func:`publish` wrote."""

    path: Path  # with the hash in its name
    size_before: int  # bytes of the checkpoint
    size: int  # bytes of the file
    parameters: int  # of the model, buffers not counted
    neck_tensors: int  # of the neck and its banks, which were left out
    left_out: list[str]  # what else of the checkpoint was left out, by its keys
    averaged: bool  # whether the weights are averages over the training (``EMAHook``)


def publish(
    source: str | os.PathLike, target: str | os.PathLike, cfg: Config | None = None
) -> Published:
    """Write the weights that testing uses, and the config that builds the model for them.

    The file is ``{'meta': {'cfg': text, 'csre_mm_version': ...}, 'state_dict': ...}``, which
    ``torch.load`` reads with ``weights_only=True``. The text is a config of the baseline that
    stands alone. The same checkpoint gives the same bytes, whatever the file is called.

    Where a run averaged its weights (``EMAHook``), mmengine keeps the averages in ``state_dict``,
    and they are what is published.

    Args:
        source: A checkpoint of a run with or without CSRE, or a published one.
        target: The file to write; the first 8 digits of the SHA-256 of its content are put before
            its suffix, which is ``.pth``.
        cfg: The config of the model, with or without CSRE; by default that in the checkpoint.

    Raises:
        InputError: If the file is no checkpoint, holds no config where none is given, or one that
            names other than registered classes, is of another model than the config, its weights
            are not finite, or the target is a folder.

    Example:
        >>> result = publish('epoch_1.pth', 'model.pth', Config.fromfile('config.py'))
        >>> result.path.name[:6], result.averaged
        ('model-', False)
    """
    if Path(target).is_dir():
        raise InputError(f'{target} is a folder: name a file in it')
    content = load_checkpoint_file(os.fspath(source), map_location='cpu')
    state = find_state_dict(content, source, bare=False)
    settings = testing_config(cfg) if cfg else read_config_inside(content, source)
    with nullcontext() if cfg else registered_only():
        model = load_recognizer(settings, content, str(source), 'cpu')
    meta = {'cfg': settings.pretty_text, 'csre_mm_version': __version__}
    # Each tensor is stored by itself, and in memory: a file would give its name to the archive.
    weights = {key: value.clone() for key, value in model.state_dict().items()}
    buffer = io.BytesIO()
    torch.save({'meta': meta, 'state_dict': weights}, buffer)
    data = buffer.getvalue()
    name = f'{Path(target).name.removesuffix(".pth")}-{hashlib.sha256(data).hexdigest()[:8]}.pth'
    path = Path(target).with_name(name)
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)
    return Published(
        path=path,
        size_before=os.path.getsize(source),
        size=len(data),
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        neck_tensors=len(state) - len(model.state_dict()),
        left_out=sorted(content.keys() - {'meta', 'state_dict'}),
        averaged='ema_state_dict' in content,
    )


def read_config_inside(content: Any, source: str | os.PathLike) -> Config:
    """The test config in a checkpoint of mmengine, which is text, read as data: none of it is run.

    It may name registered classes of the packages that csre_mm is made of, and import these.
    """
    meta = content.get('meta')
    text = meta.get('cfg') if isinstance(meta, Mapping) else None
    if not isinstance(text, str):
        raise InputError(f'{source} holds no config: name it with --config')
    try:
        settings = parse_settings(text)
    except ValueError as error:
        raise InputError(
            f'{source}: the config in it is not plain settings ({one_line(error, 100)}): '
            'name one with --config'
        ) from error
    try:
        cfg = testing_config(Config(settings))
        try:
            check_types(cfg.to_dict(), str(source))
        except InputError as error:
            raise InputError(f'{error}: name your own config with --config') from None
        import_modules_from_strings(**(cfg.get('custom_imports') or {'imports': []}))
    except (ImportError, TypeError, AttributeError, KeyError) as error:  # of another form
        raise InputError(f'{source}: the config in it: {one_line(error, 100)}') from error
    return cfg
