"""Reading and writing annotation pickles, mmaction2's on-disk format, without running their code.

A file holds ``{'split': {name: [frame_dir, ...]}, 'annotations': [annotation, ...]}``. An
annotation has ``frame_dir``, ``label``, ``total_frames`` T and ``keypoint`` (M, T, V, C) in the
units of the data set, and optionally more (``keypoint_score``, ``img_shape``, ...).
"""

import os
import pickle
from collections.abc import Iterable
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np

from csre_mm.datasets.plain_pickle import RefusedError, load_plain
from csre_mm.utils.errors import InputError
from csre_mm.utils.files import atomic_path

REQUIRED_FIELDS = ('frame_dir', 'label', 'total_frames', 'keypoint')


def load_annotations(path: str | os.PathLike) -> dict[str, Any]:
    """Read an annotation pickle; nothing in the file is executed.

    Only the outermost shape is checked here, :func:`check_annotations` looks at the samples.

    Args:
        path: The file. mmaction2's older form, the bare list of annotations, is read as well.

    Returns:
        ``{'split': {name: [frame_dir, ...]}, 'annotations': [...]}``; for a bare list ``split`` is
        empty.

    Raises:
        InputError: If there is no such file, it is no pickle or an incomplete one, asks for
            anything but containers and arrays, or holds something else than annotations.
    """
    try:
        with open(path, 'rb') as file:
            data = load_plain(file)
    except RefusedError as error:
        raise InputError(
            f'{path}: refused: the pickle asks for {str(error)!r}, '
            'an annotation file holds plain containers and NumPy arrays only'
        ) from None
    except FileNotFoundError:
        raise InputError(f'{path}: no such file, expected an annotation pickle') from None
    except OSError as error:
        raise InputError(f'{path}: cannot be read: {error.strerror or error}') from error
    except Exception as error:  # a corrupt pickle can raise almost anything
        reason = ' '.join(str(error).split()) or type(error).__name__
        raise InputError(
            f'{path}: not an annotation pickle, or an incomplete one ({reason})'
        ) from error
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
        InputError: If ``data`` does not pass :func:`check_annotations`, or for a bad ``path``.
    """
    path = check_pickle_path(path)
    check_annotations(data, path)
    with atomic_path(path) as temporary, open(temporary, 'wb') as file:
        pickle.dump(data, file, protocol=5)


def check_pickle_path(path: str | os.PathLike) -> Path:
    """Give ``path`` back as a path that annotations can be written to.

    Raises:
        InputError: If the name does not end in ``.pkl`` (mmaction2 reads nothing else) or is a
            folder's.
    """
    path = Path(path)
    if path.suffix != '.pkl':
        raise InputError(f'{path}: the output must be named .pkl')
    if path.is_dir():
        raise InputError(f'{path}: is a folder, expected the name of a file to write')
    return path


def check_annotations(data: Any, path: str | os.PathLike) -> None:
    """Check the structure of annotations, not the numbers in them.

    Takes time in proportion to the number of samples, whatever their length.

    Args:
        data: What :func:`load_annotations` returns.
        path: The name of the file in messages.

    Raises:
        InputError: For the first fault, by sample and field.
    """
    _check_top_level(data, path)
    names = set()
    for index, annotation in enumerate(data['annotations']):
        name = _check_annotation(annotation, index, path)
        if name in names:
            raise InputError(f'{path}: sample {name!r}: frame_dir comes twice, expected once')
        names.add(name)
    for split, members in data['split'].items():
        _check_split(split, members, names, path)


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
            raise InputError(
                f'{path}: {key!r} is a {type(data[key]).__name__}, expected a {kind.__name__}'
            )


def _check_annotation(annotation: Any, index: int, path: str | os.PathLike) -> str:
    """Check one sample and return its name."""
    where = f'{path}: sample {index}'
    if not isinstance(annotation, dict):
        raise InputError(f'{where}: is a {type(annotation).__name__}, expected a dict')
    for field in REQUIRED_FIELDS:
        if field not in annotation:
            raise InputError(f'{where}: has no {field!r}, expected {", ".join(REQUIRED_FIELDS)}')
    name = annotation['frame_dir']
    if not isinstance(name, str):
        raise InputError(f'{where}: frame_dir is {name!r:.40}, expected a string')
    where = f'{path}: sample {name!r}'
    label = annotation['label']
    if not isinstance(label, Integral) or isinstance(label, bool) or label < 0:
        raise InputError(f'{where}: label is {label!r:.40}, expected an integer from 0')
    keypoint = annotation['keypoint']
    if (
        not isinstance(keypoint, np.ndarray)
        or keypoint.ndim != 4
        or keypoint.dtype.kind not in 'fiu'
    ):
        shape = getattr(keypoint, 'shape', None)
        found = type(keypoint).__name__ if shape is None else f'{keypoint.dtype} {shape}'
        raise InputError(f'{where}: keypoint is {found}, expected an array of numbers (M, T, V, C)')
    if annotation['total_frames'] != keypoint.shape[1]:
        raise InputError(
            f'{where}: total_frames is {annotation["total_frames"]!r:.40}, '
            f'keypoint has {keypoint.shape[1]} frames'
        )
    return name


def _check_split(
    split: Any, members: Iterable[Any], names: set[str], path: str | os.PathLike
) -> None:
    if not isinstance(members, list | tuple | set | frozenset):
        raise InputError(
            f'{path}: split {split!r} is a {type(members).__name__}, expected a list of frame_dirs'
        )
    for member in members:
        if not isinstance(member, str) or member not in names:
            raise InputError(
                f'{path}: split {split!r} names {member!r:.80}, no annotation has this frame_dir'
            )
