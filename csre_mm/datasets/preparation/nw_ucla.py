"""Northwestern-UCLA Multiview Action 3D: from its JSON files to annotations.

Wang et al., "Cross-view action modeling, learning and recognition", CVPR 2014. A file is named
``aAA_sSS_eEE_vVV.json`` by action, subject, episode and view. Views 1 and 2 are for training, view
3 is for testing.
"""

import hashlib
import json
import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from csre_mm.datasets.layouts import NW_UCLA
from csre_mm.datasets.preparation.raw_files import RawFile, to_metres
from csre_mm.utils.errors import InputError, one_line
from csre_mm.utils.plain_values import brief

NUM_CLASSES = 10
TRAIN_VIEWS = frozenset((1, 2))
_PATTERN = re.compile(r'a\d{2}_s\d{2}_e\d{2}_v(\d{2})', re.ASCII)


def parse_view(name: str, where: str | None = None) -> int:
    """The view in a sequence's name; messages call the file ``where``, by default ``name``."""
    match = _PATTERN.fullmatch(name)
    if match is None:
        raise InputError(f'{where or name}: expected a name of the form aAA_sSS_eEE_vVV')
    view = int(match[1])
    if view not in (1, 2, 3):
        raise InputError(f'{where or name}: view is {view}, expected 1, 2 or 3')
    return view


def parse_sequence(data: bytes, name: str, where: str | None = None) -> dict[str, Any]:
    """Make the annotation of one JSON file, which messages call ``where``, by default ``name``.

    From ``label`` (1 to 10) and ``skeletons`` [T][20][3] in metres to ``label`` (from 0) and
    ``keypoint`` (1, T, V=20, 3), float32 metres.
    """
    where = where or name
    parse_view(name, where)
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InputError(f'{where}: not valid JSON: {one_line(error, 100)}') from error
    if not isinstance(content, dict):
        raise InputError(f'{where}: holds a {type(content).__name__}, expected an object')
    for field in ('file_name', 'label', 'skeletons'):
        if field not in content:
            raise InputError(f'{where}: has no {field!r}')
    if content['file_name'] != name:
        raise InputError(
            f'{where}: file_name is {brief(content["file_name"])}, expected the name of the file'
        )
    label = content['label']
    if type(label) is not int or not 1 <= label <= NUM_CLASSES:
        raise InputError(
            f'{where}: label is {brief(label)}, expected an integer 1 to {NUM_CLASSES}'
        )
    keypoint = _parse_skeletons(content['skeletons'], where)[None]  # (1, T, V, 3)
    return dict(frame_dir=name, label=label - 1, total_frames=keypoint.shape[1], keypoint=keypoint)


def _parse_skeletons(skeletons: Any, where: str) -> np.ndarray:
    """The coordinates, (T, V, 3)."""
    expected = f'expected numbers [T][{NW_UCLA.num_joints}][3], T from 1'
    # As objects: an array of strings has room for the longest at each place, and one of numbers
    # would read a string as a number.
    try:
        array = np.array(skeletons, dtype=object)
    except ValueError as error:  # lists at places where others hold none
        raise InputError(f'{where}: skeletons is ragged, {expected}') from error
    if array.ndim != 3 or not len(array) or array.shape[1:] != (NW_UCLA.num_joints, 3):
        ragged = array.ndim < 3 and any(isinstance(item, list) for item in array.flat)
        found = f'{array.shape} and is ragged' if ragged else str(array.shape)
        raise InputError(f'{where}: skeletons has the shape {found}, {expected}')
    if not set(map(type, array.flat)) <= {int, float}:
        raise InputError(f'{where}: skeletons holds something else than numbers, {expected}')
    try:
        array = array.astype(np.float64)
    except OverflowError as error:
        raise InputError(f'{where}: skeletons holds numbers too large, {expected}') from error
    return to_metres(array, f'{where}: skeletons')


def build_nw_ucla(files: Iterable[RawFile]) -> dict[str, Any]:
    """Read the JSON files of the data set: its annotations and splits (:func:`make_splits`)."""
    annotations = [parse_sequence(file.read(), file.stem, str(file)) for file in files]
    return dict(split=make_splits(annotations), annotations=annotations)


def make_splits(annotations: Iterable[dict[str, Any]]) -> dict[str, list[str]]:
    """Sort annotations into the splits.

    ``train`` and ``val`` are the published protocol. In the release that everybody uses, many
    sequences of view 3 are copies of one of view 2: ``val_clean`` is ``val`` without the sequences
    whose coordinates equal those of a training sequence bit for bit.
    """
    splits: dict[str, list[str]] = dict(train=[], val=[])
    digests = {}
    for annotation in annotations:
        name, keypoint = annotation['frame_dir'], annotation['keypoint']
        splits['train' if parse_view(name) in TRAIN_VIEWS else 'val'].append(name)
        # All arrays are (1, T, 20, 3) float32: equal bytes are equal arrays.
        digests[name] = hashlib.sha256(keypoint.tobytes()).digest()
    seen = {digests[name] for name in splits['train']}
    return {**splits, 'val_clean': [name for name in splits['val'] if digests[name] not in seen]}
