"""What can be wrong with a sample of an annotation file: its fields, its numbers, its shape."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from numbers import Integral
from typing import Any

import numpy as np

from csre_mm.utils.errors import InputError
from csre_mm.utils.plain_values import brief

REQUIRED_FIELDS = ('frame_dir', 'label', 'total_frames', 'keypoint')
LARGEST = 1e6  # a larger coordinate is no position, whether in metres, millimetres or pixels

Fault = tuple[str, str, str]
"""A field, what was found, to be read after the field ('is -1'), and what was expected."""
OnFault = Callable[[str], None]  # is told of a fault, in one line, and may raise


def refuse(line: str) -> None:
    """Raise an ``InputError``: the :data:`OnFault` that lets nothing pass."""
    raise InputError(line)


def keep_sound(
    annotations: Iterable[Any], path: str | os.PathLike, on_fault: OnFault = refuse
) -> list[dict[str, Any]]:
    """The samples whose fields are right and whose name is new; the others go to ``on_fault``."""
    names: set[str] = set()
    sound = []
    for index, annotation in enumerate(annotations):
        fault = next(find_faults(annotation), None)
        if fault is None and annotation['frame_dir'] in names:
            fault = 'frame_dir', 'comes twice', 'once'
        if fault is not None:
            name = annotation.get('frame_dir') if isinstance(annotation, dict) else None
            on_fault(_line(path, name if isinstance(name, str) else index, fault))
            continue
        names.add(annotation['frame_dir'])
        sound.append(annotation)
    return sound


def keep_usable(
    samples: Sequence[dict[str, Any]], path: str | os.PathLike, on_fault: OnFault = refuse
) -> list[dict[str, Any]]:
    """The samples of :func:`keep_sound` with right numbers, and with the joints of most."""
    counts = Counter(sample['keypoint'].shape[2:] for sample in samples)
    usual, *others = [shape for shape, _ in counts.most_common()] or [(0, 0)]
    expected = f'{usual[0]} of {usual[1]} as most samples'
    usable = []
    for sample in samples:
        fault = next((fault for _, fault in find_number_faults(sample)), None)
        V, C = sample['keypoint'].shape[2:]
        if fault is None and (V, C) in others:
            fault = 'keypoint', f'has {V} joints of {C} coordinates', expected
        if fault is None:
            usable.append(sample)
        else:
            on_fault(_line(path, sample['frame_dir'], fault))
    return usable


def _line(path: str | os.PathLike, sample: str | int, fault: Sequence[str]) -> str:
    field, found, expected = fault
    name = brief(sample) if isinstance(sample, str) else sample
    return f'{path}: sample {name}: {field} {found}, expected {expected}'


def find_faults(annotation: Any) -> Iterator[Fault]:
    """Give each fault in the structure of one sample, not the numbers in it."""
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
        several = isinstance(label, list | tuple | set | np.ndarray)
        more = '; several labels a clip are not supported' if several else ''
        yield 'label', f'is {brief(label)}', f'an integer from 0{more}'
    size = annotation.get('img_shape')
    if size is not None and not _is_image_size(size):
        yield 'img_shape', f'is {brief(size)}', 'height and width of the image, or no such field'
    if 'keypoint' in annotation:
        yield from _find_array_faults(annotation)


def _is_image_size(size: Any) -> bool:
    try:
        height, width = size
        return bool(0 < height < np.inf and 0 < width < np.inf)
    except (TypeError, ValueError):
        return False


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
    if 'keypoint_score' not in annotation:
        return
    score = annotation['keypoint_score']
    if not _is_numbers(score, 3) or score.shape != shape[:3]:
        expected = f'an array of numbers (M, T, V) = {shape[:3]}, or no such field'
        yield 'keypoint_score', f'is {brief(score)}', expected


def find_number_faults(annotation: dict[str, Any]) -> Iterator[tuple[str, Fault]]:
    """Give each fault in the numbers of a sample whose fields are right, and its kind."""
    for field in ('keypoint', 'keypoint_score'):
        if annotation.get(field) is None:
            continue
        with np.errstate(over='ignore', invalid='ignore'):
            x = np.asarray(annotation[field], np.float32)
        if not np.isfinite(x).all():
            yield 'not finite', (field, _first(x, ~np.isfinite(x)), 'finite float32 numbers')
        elif max(x.max(), -x.min()) > LARGEST:
            found = _first(x, np.abs(x) > LARGEST)
            yield 'too large', (field, found, f'numbers to {LARGEST:g}')
    score = annotation.get('keypoint_score')
    if not annotation['keypoint'].any():
        yield 'empty', ('keypoint', 'is zero throughout', 'coordinates')
    elif score is not None and not (score > 0).any():
        yield 'empty', ('keypoint_score', 'is nowhere above 0', 'a joint that was detected')


def _first(x: np.ndarray, wrong: np.ndarray) -> str:
    places = np.argwhere(wrong)
    first = places[0].tolist()
    more = f' and {len(places) - 1:,} more numbers are as wrong' if len(places) > 1 else ''
    return f'is {x[tuple(first)]:g} at {first}{more}'
