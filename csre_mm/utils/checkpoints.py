"""Finding checkpoints, and reading them without executing code."""

import importlib
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from csre_mm.utils.errors import InputError


def newest_checkpoint(folder: str | os.PathLike) -> Path | None:
    """The checkpoint that a run in this folder resumes from.

    mmengine writes its path to ``last_checkpoint``; of a folder that was copied or moved only the
    name counts. If a run was killed meanwhile and that file is empty or wrong, it is the
    ``epoch_*.pth`` or ``iter_*.pth`` of the highest number.

    Args:
        folder: The working folder of the run; it need not exist.
    """
    folder = Path(folder)
    pointer = folder / 'last_checkpoint'
    path = Path(pointer.read_text().strip()) if pointer.is_file() else Path()
    if path.name and (folder / path.name).is_file():
        return folder / path.name
    numbered = _numbered(folder)
    if numbered:
        return numbered[max(numbered)]
    return path if path.is_file() else None  # CheckpointHook(out_dir=...) saves elsewhere


def checkpoint_before(path: str | os.PathLike) -> Path | None:
    """The ``epoch_*.pth`` or ``iter_*.pth`` before another one of its folder, if there is one."""
    numbered = _numbered(Path(path).parent)
    number = {file: number for number, file in numbered.items()}.get(Path(path), 0)
    return numbered.get(max((other for other in numbered if other < number), default=-1))


def _numbered(folder: Path) -> dict[int, Path]:
    return {
        int(match[1]): path
        for path in folder.glob('*.pth')
        if (match := re.fullmatch(r'(?:epoch|iter)_(\d+)\.pth', path.name))
    }


def _history_statistics(owner: object, name: str) -> object:
    """``getattr`` for checkpoints: only the statistics of mmengine's HistoryBuffer."""
    from mmengine.logging import HistoryBuffer

    if owner is not HistoryBuffer or name not in ('min', 'max', 'mean', 'current'):
        raise InputError(f'checkpoint refused: it reads the attribute {name!r} of {owner!r}')
    return getattr(owner, name)


# torch finds an allowed global by these names; ``getattr`` itself would allow anything.
_history_statistics.__module__ = 'builtins'
_history_statistics.__name__ = _history_statistics.__qualname__ = 'getattr'


def _renamed(function: Callable) -> Callable:
    """A function of NumPy's core under the name of the other major version."""

    def alias(*args: object) -> object:
        return function(*args)

    old, new = 'numpy.core.', 'numpy._core.'
    module = function.__module__
    alias.__module__ = module.replace(old, new) if old in module else module.replace(new, old)
    alias.__name__ = alias.__qualname__ = function.__name__
    return alias


def checkpoint_globals() -> list:
    """What a checkpoint of mmengine may contain besides tensors and plain containers.

    The message hub keeps each logged scalar in a ``HistoryBuffer`` of NumPy arrays, and metrics as
    NumPy scalars.
    """
    import numpy as np
    from mmengine.logging import HistoryBuffer
    from numpy.dtypes import BoolDType, Float32DType, Float64DType, Int32DType, Int64DType

    core = importlib.import_module('numpy._core' if hasattr(np, '_core') else 'numpy.core')
    rebuild = [core.multiarray._reconstruct, core.multiarray.scalar]
    # NumPy 2 renamed the module; a checkpoint may come from the other version.
    rebuild += [_renamed(function) for function in rebuild]
    dtypes = [BoolDType, Float32DType, Float64DType, Int32DType, Int64DType]
    return [HistoryBuffer, _history_statistics, np.ndarray, np.dtype, *rebuild, *dtypes]


def load_checkpoint_file(filename: str, map_location: Any = None) -> Any:
    """Read a checkpoint with ``weights_only=True`` and :func:`checkpoint_globals`.

    Raises:
        InputError: If there is no such file, it is not a checkpoint, or it names anything else.
    """
    from torch.serialization import add_safe_globals, clear_safe_globals, get_safe_globals

    filename = os.path.expanduser(filename)
    if not os.path.isfile(filename):
        raise InputError(f'no such checkpoint: {filename}')
    allowed = get_safe_globals()
    add_safe_globals(checkpoint_globals())
    try:
        return torch.load(filename, map_location=map_location, weights_only=True)
    except InputError:
        raise
    except Exception as error:  # pickle, zip and torch each have their own errors for a bad file
        # torch adds the advice to load the file without weights_only.
        reason = str(error).rpartition('WeightsUnpickler error:')[2].partition('Check the doc')[0]
        reason = ' '.join(reason.split())[:300] or type(error).__name__
        raise InputError(f'{filename} cannot be read as a checkpoint: {reason}') from error
    finally:
        clear_safe_globals()
        add_safe_globals(allowed)


def find_state_dict(
    content: Any, source: str | os.PathLike, bare: bool = True
) -> dict[str, Tensor]:
    """The tensors of a checkpoint by name, without the prefix of DataParallel.

    Args:
        content: The content of the file: a dictionary with ``state_dict``, or a state dict.
        source: The name of the file in messages.
        bare: Whether a state dict without ``state_dict`` around it is allowed.

    Raises:
        InputError: If there is none.
    """
    state = content
    if isinstance(content, Mapping) and (not bare or 'state_dict' in content):
        state = content.get('state_dict')
    if not isinstance(state, Mapping) or not state:
        raise InputError(f'{source} holds no state_dict: it is no checkpoint')
    for key, value in state.items():
        if not isinstance(key, str) or not isinstance(value, Tensor):
            raise InputError(f'{source} holds no state_dict: {key!r} is a {type(value).__name__}')
    return {key.removeprefix('module.'): value for key, value in state.items()}


def read_state_dict(path: str | os.PathLike) -> dict[str, Tensor]:
    """Read the tensors of a checkpoint, a published one or a bare state dict, by name.

    Raises:
        InputError: If there is no such file, or it is no checkpoint.
    """
    return find_state_dict(load_checkpoint_file(os.fspath(path), map_location='cpu'), path)
