"""Reading and writing annotation pickles, mmaction2's on-disk format, without running their code.

A file holds ``{'split': {name: [frame_dir, ...]}, 'annotations': [annotation, ...]}``. An
annotation has ``frame_dir``, ``label``, ``total_frames`` T and ``keypoint`` (M, T, V, C) in the
units of the data set, and optionally more (``keypoint_score``, ``img_shape``, ...).
"""

import os
from pathlib import Path
from typing import Any

from csre_mm.datasets.sample_faults import OnFault, keep_sound, refuse
from csre_mm.utils.errors import InputError
from csre_mm.utils.files import atomic_path
from csre_mm.utils.plain_pickle import PlainPickler, RefusedError, read_pickle
from csre_mm.utils.plain_values import brief


def load_annotations(path: str | os.PathLike) -> dict[str, Any]:
    """Read an annotation pickle; nothing in the file is executed.

    Only the outer structure is checked; :func:`check_annotations` checks the samples.

    Args:
        path: The file. mmaction2's older form, the bare list of annotations, is read as well.

    Returns:
        ``{'split': {name: [frame_dir, ...]}, 'annotations': [...]}``; for a bare list ``split`` is
        empty.

    Raises:
        InputError: If there is no such file, it is no pickle or an incomplete one, or it holds
            something else than containers and arrays of annotations.

    Example:
        >>> data = load_annotations('data.pkl')
        >>> sorted(data['split']), len(data['annotations'])
        (['train', 'val'], 48)
    """
    data = read_pickle(path, 'an annotation pickle')
    if isinstance(data, list):
        data = {'split': {}, 'annotations': data}
    _check_top_level(data, path)
    return data


def save_annotations(data: dict[str, Any], path: str | os.PathLike) -> None:
    """Write an annotation pickle; an interruption leaves what was at ``path`` before.

    Args:
        data: ``{'split': {name: [frame_dir, ...]}, 'annotations': [...]}``.
        path: The file to write, its name ends in ``.pkl``.

    Raises:
        InputError: If ``data`` does not pass :func:`check_annotations` or holds something else than
            containers, numbers, strings and arrays of these, or for a bad ``path``.

    Example:
        >>> import numpy as np
        >>> keypoint = np.ones((1, 30, 25, 3), np.float32)  # (M, T, V, C)
        >>> sample = dict(frame_dir='wave_01', label=0, total_frames=30, keypoint=keypoint)
        >>> save_annotations({'split': {'train': ['wave_01']}, 'annotations': [sample]}, 'own.pkl')
    """
    path = check_pickle_path(path)
    check_annotations(data, path)
    with atomic_path(path) as temporary, open(temporary, 'wb') as file:
        try:
            PlainPickler(file, protocol=5).dump(data)
        except RefusedError as error:
            raise InputError(
                f'{path}: holds {error}, which no reader accepts: expected plain containers, '
                'numbers, strings and arrays'
            ) from None


def check_pickle_path(path: str | os.PathLike) -> Path:
    """Insist on a ``.pkl``, which mmaction2 alone reads, that is no folder."""
    path = Path(path)
    if path.suffix != '.pkl':
        raise InputError(f'{path}: the output must be named .pkl')
    if path.is_dir():
        raise InputError(f'{path}: is a folder, expected the name of a file to write')
    return path


def check_annotations(data: Any, path: str | os.PathLike) -> None:
    """Check the structure of annotations of a file, not the numbers in them."""
    _check_top_level(data, path)
    keep_sound(data['annotations'], path)
    for split in data['split']:
        select_split(data, split, path)


def select_split(
    data: dict[str, Any],
    split: str | None,
    path: str | os.PathLike,
    on_fault: OnFault = refuse,
) -> list[dict[str, Any]]:
    """The annotations of a split, in the order of the file; all of them without a split.

    ``path`` is the file in messages. A name that is no annotation's ``frame_dir`` goes to
    ``on_fault``, by default an ``InputError``, as is a split that is missing or no list.
    """
    if split is None:
        return data['annotations']
    if split not in data['split']:
        known = ', '.join(sorted(map(str, data['split']))) or 'none'
        raise InputError(f'{path} has no split {split!r}; it has {known}')
    members, where = data['split'][split], f'{path}: split {brief(split)}'
    if not isinstance(members, list | tuple | set | frozenset):
        raise InputError(f'{where} is a {type(members).__name__}, expected a list of frame_dirs')
    wanted = {member for member in members if isinstance(member, str)}
    found = [
        sample
        for sample in data['annotations']
        if isinstance(sample, dict)
        and isinstance(sample.get('frame_dir'), str)
        and sample['frame_dir'] in wanted
    ]
    names = {sample['frame_dir'] for sample in found}
    unknown = [m for m in members if not isinstance(m, str) or m not in names]
    for member in unknown:
        more = f' ({len(unknown)} such names)' if len(unknown) > 1 else ''
        on_fault(f'{where} names {brief(member)}, no annotation has this frame_dir{more}')
    return found


def _check_top_level(data: Any, path: str | os.PathLike) -> None:
    if not isinstance(data, dict):
        raise InputError(
            f"{path}: holds a {type(data).__name__}, expected a dict with 'split' and "
            "'annotations', or a list of annotations"
        )
    for key, kind in (('split', dict), ('annotations', list)):
        if key not in data:
            raise InputError(f'{path}: has no {key!r}, expected a dict with split and annotations')
        if not isinstance(data[key], kind):
            found = type(data[key]).__name__
            raise InputError(f'{path}: {key!r} is a {found}, expected a {kind.__name__}')
