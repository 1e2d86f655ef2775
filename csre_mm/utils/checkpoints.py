"""Finding checkpoints, and reading them without executing code."""

import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from csre_mm.utils.errors import InputError, one_line
from csre_mm.utils.plain_pickle import RefusedError
from csre_mm.utils.torch_file import read_torch_file


def newest_checkpoint(folder: str | os.PathLike) -> Path | None:
    """The checkpoint that a run in this folder resumes from.

    mmengine writes its path to ``last_checkpoint``; of a folder that was copied or moved only the
    name counts. If that file is empty or wrong, as of a killed run, it is the ``epoch_*.pth`` or
    ``iter_*.pth`` of the highest number.
    """
    folder = Path(folder)
    pointer = folder / 'last_checkpoint'
    path = Path(pointer.read_text(errors='replace').strip()) if pointer.is_file() else Path()
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


def load_checkpoint_file(filename: str | os.PathLike, map_location: Any = None) -> Any:
    """Read a checkpoint without running code (:func:`~csre_mm.utils.torch_file.read_torch_file`).

    Text under ``meta.config`` is left out: mmengine 0.10.7 would run it when it resumes. A
    ``map_location`` that is no device stands for the CPU. A file that is missing, damaged, names
    something else than tensors and plain data, or has another hash than in its published name, is
    an ``InputError``.
    """
    filename = os.path.expanduser(filename)
    if not os.path.isfile(filename):
        raise InputError(f'no such checkpoint: {filename}')
    device = map_location if isinstance(map_location, str | torch.device) else 'cpu'
    try:
        content = read_torch_file(filename, device)
    except RefusedError as error:
        raise InputError(
            f'{filename} cannot be read as a checkpoint: it asks for {one_line(error)}, expected '
            'tensors, plain containers and the history of mmengine only'
        ) from None
    except Exception as error:  # pickle and zip each have their own errors for a bad file
        reason = one_line(error) or type(error).__name__
        raise InputError(f'{filename} cannot be read as a checkpoint: {reason}') from error
    meta = content.get('meta') if isinstance(content, dict) else None
    if isinstance(meta, dict):
        meta.pop('config', None)
        if 'csre_mm_version' in meta:
            _check_hash(filename)
    return content


def _check_hash(filename: str) -> None:
    named = re.search(r'-([0-9a-f]{8})\.pth$', filename)
    if named is None:
        return
    with open(filename, 'rb') as file:
        digest = hashlib.sha256()
        while block := file.read(1 << 20):
            digest.update(block)
    if digest.hexdigest()[:8] != named[1]:
        raise InputError(
            f'{filename}: its content has the hash {digest.hexdigest()[:8]}, not that in its name: '
            'it is damaged, or another file under this name'
        )


def find_state_dict(
    content: Any, source: str | os.PathLike, bare: bool = True
) -> dict[str, Tensor]:
    """The tensors of a checkpoint by name, without the prefix of DataParallel.

    ``source`` is its name in messages. With ``bare`` the content may be a state dict itself,
    without ``state_dict`` around it; anything else is an ``InputError``.
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
    """Read the tensors of a checkpoint, a published one or a bare state dict, by name."""
    return find_state_dict(load_checkpoint_file(os.fspath(path), map_location='cpu'), path)


OTHER_WEIGHTS = (
    'the weights are of another encoder, or of other code, whose weights tools/convert_weights.py '
    'converts'
)


def check_fit(
    state: Mapping[str, Tensor],
    expected: Mapping[str, Tensor],
    source: str,
    what: str,
    advice: str = OTHER_WEIGHTS,
) -> str | None:
    """Insist that at least half of the tensors of a module come from a file.

    Args:
        state: The tensors of the file by name.
        expected: Those of the module.
        source: The name of the file in messages.
        what: What the module is called.
        advice: What to do if they do not.

    Returns:
        A remark on what the file lacks, if it lacks something.

    Raises:
        InputError: If less than half fit.
    """
    fits = [key for key in expected if key in state and state[key].shape == expected[key].shape]
    found = f'{source}: {len(fits)} of the {len(expected)} tensors of {what} fit'
    if 2 * len(fits) < len(expected):
        names = f'{next(iter(state), "nothing")} in the file, {next(iter(expected))} in the model'
        raise InputError(f'{found} ({names}): {advice}')
    left = next((key for key in expected if key not in fits), None)
    return f'{found}; the others, such as {left}, start at random.' if left else None
