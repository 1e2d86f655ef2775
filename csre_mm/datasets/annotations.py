"""Reading and writing annotation pickles, mmaction2's on-disk format, without running their code.

A file holds ``{'split': {name: [frame_dir, ...]}, 'annotations': [annotation, ...]}``. An
annotation has ``frame_dir``, ``label``, ``total_frames`` T and ``keypoint`` (M, T, V, C) in the
units of the data set, and optionally more (``keypoint_score``, ``img_shape``, ...).
"""

import os
import pickle
from collections.abc import Iterable, Iterator
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np

from csre_mm.utils.errors import InputError
from csre_mm.utils.files import atomic_path
from csre_mm.utils.plain_pickle import RefusedError, load_plain
from csre_mm.utils.plain_values import brief

REQUIRED_FIELDS = ('frame_dir', 'label', 'total_frames', 'keypoint')


Fault = tuple[str, str, str]
"""A field, what was found, to be read after the field ('is -1'), and what was expected."""


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
    try:
        with open(path, 'rb') as file:
            data = load_plain(file)
    except RefusedError as error:
        raise InputError(
            f'{path}: refused: the pickle asks for {str(error)!r:.100}, '
            'an annotation file holds plain containers and NumPy arrays only'
        ) from None
    except FileNotFoundError:
        raise InputError(f'{path}: no such file, expected an annotation pickle') from None
    except OSError as error:
        raise InputError(f'{path}: cannot be read: {error.strerror or error}') from error
    except Exception as error:  # a corrupt pickle can raise almost anything
        reason = ' '.join(str(error).split()) or type(error).__name__
        raise InputError(
            f'{path}: not an annotation pickle, or an incomplete one ({reason:.200})'
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

    Example:
        >>> import numpy as np
        >>> keypoint = np.ones((1, 30, 25, 3), np.float32)  # (M, T, V, C)
        >>> sample = dict(frame_dir='wave_01', label=0, total_frames=30, keypoint=keypoint)
        >>> save_annotations({'split': {'train': ['wave_01']}, 'annotations': [sample]}, 'own.pkl')
    """
    path = check_pickle_path(path)
    check_annotations(data, path)
    with atomic_path(path) as temporary, open(temporary, 'wb') as file:
        pickle.dump(data, file, protocol=5)


def check_pickle_path(path: str | os.PathLike) -> Path:
    """Insist on a path that annotations can be written to.

    Raises:
        InputError: If it does not end in ``.pkl`` (mmaction2 reads nothing else), or is a folder.
    """
    path = Path(path)
    if path.suffix != '.pkl':
        raise InputError(f'{path}: the output must be named .pkl')
    if path.is_dir():
        raise InputError(f'{path}: is a folder, expected the name of a file to write')
    return path


def check_annotations(data: Any, path: str | os.PathLike) -> None:
    """Check the structure of annotations, not the numbers in them.

    Args:
        data: What :func:`load_annotations` returns.
        path: The name of the file in messages.

    Raises:
        InputError: For the first fault, by sample and field.
    """
    _check_top_level(data, path)
    names = check_samples(data['annotations'], path)
    for split, members in data['split'].items():
        where = f'{path}: split {brief(split)}'
        if not isinstance(members, list | tuple | set | frozenset):
            raise InputError(
                f'{where} is a {type(members).__name__}, expected a list of frame_dirs'
            )
        for member in members:
            if not isinstance(member, str) or member not in names:
                raise InputError(f'{where} names {brief(member)}, no annotation has this frame_dir')


def check_samples(annotations: Iterable[Any], path: str | os.PathLike) -> set[str]:
    """Check the structure of samples, and that each name occurs once; give the names.

    Args:
        annotations: The samples.
        path: The name of the file in messages.

    Raises:
        InputError: For the first fault, by sample and field.
    """
    names: set[str] = set()
    for index, annotation in enumerate(annotations):
        for field, found, expected in find_faults(annotation):
            name = annotation.get('frame_dir') if isinstance(annotation, dict) else None
            sample = brief(name) if isinstance(name, str) else index
            raise InputError(f'{path}: sample {sample}: {field} {found}, expected {expected}')
        name = annotation['frame_dir']
        if name in names:
            raise InputError(f'{path}: sample {brief(name)}: frame_dir comes twice, expected once')
        names.add(name)
    return names


def select_split(
    data: dict[str, Any], split: str | None, path: str | os.PathLike, key: str = 'frame_dir'
) -> list[dict[str, Any]]:
    """The annotations of a split, in the order of the file.

    Args:
        data: What :func:`load_annotations` returns.
        split: Name of the split; all annotations without it.
        path: The name of the file in messages.
        key: The field by which the split names its samples.

    Raises:
        InputError: If there is no such split.
    """
    if split is None:
        return data['annotations']
    if split not in data['split']:
        known = ', '.join(sorted(map(str, data['split']))) or 'none'
        raise InputError(f'{path} has no split {split!r}; it has {known}')
    names = {name for name in data['split'][split] if isinstance(name, str)}
    return [sample for sample in data['annotations'] if sample[key] in names]


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


def find_faults(annotation: Any) -> Iterator[Fault]:
    """Check the structure of one sample, not the numbers in it.

    Yields:
        Each fault: a field that is missing or of another type, arrays of different shapes.
    """
    if not isinstance(annotation, dict):
        yield 'annotation', f'is a {type(annotation).__name__}', 'a dict'
        return
    for field in REQUIRED_FIELDS:
        if field not in annotation:
            yield field, 'is missing', f'the fields {", ".join(REQUIRED_FIELDS)}'
    name, label = annotation.get('frame_dir', ''), annotation.get('label', 0)
    if not isinstance(name, str):
        yield 'frame_dir', f'is {brief(name)}', 'a string'
    # The labels become an int64 array.
    if not _is_integer(label) or not 0 <= label < 1 << 63:
        yield 'label', f'is {brief(label)}', 'an integer from 0'
    if 'keypoint' in annotation:
        yield from _find_array_faults(annotation)


def _is_integer(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _is_numbers(array: Any, ndim: int) -> bool:
    return isinstance(array, np.ndarray) and array.ndim == ndim and array.dtype.kind in 'fiu'


def _find_array_faults(annotation: dict) -> Iterator[Fault]:
    """Check ``keypoint``, and the fields that depend on its shape."""
    keypoint = annotation['keypoint']
    if not _is_numbers(keypoint, 4):
        found = brief(keypoint) if isinstance(keypoint, np.ndarray) else type(keypoint).__name__
        yield 'keypoint', f'is {found}', 'an array of numbers (M, T, V, C)'
        return
    shape = keypoint.shape
    if not all(shape):
        yield 'keypoint', f'has the shape {shape}', 'a person, a frame and a joint at least'
    total_frames = annotation.get('total_frames', shape[1])
    if not _is_integer(total_frames) or total_frames != shape[1]:
        yield 'total_frames', f'is {brief(total_frames)}', f"keypoint's {shape[1]} frames"
    score = annotation.get('keypoint_score')
    if score is not None and (not _is_numbers(score, 3) or score.shape != shape[:3]):
        expected = f'an array of numbers (M, T, V) = {shape[:3]}'
        yield 'keypoint_score', f'is {brief(score)}', expected
