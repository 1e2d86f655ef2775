"""UTD-MHAD: from its MATLAB files to annotations.

Chen et al., "UTD-MHAD: A multimodal dataset for human action recognition utilizing a depth camera
and a wearable inertial sensor", ICIP 2015. A file ``aA_sS_tT_skeleton.mat`` is a sequence of
action, subject and trial. Odd subjects train, even subjects test.
"""

import io
import re
import zlib
from collections.abc import Iterable
from typing import Any, Literal

import numpy as np
from scipy.io import loadmat, whosmat

from csre_mm.datasets.layouts import UTD_MHAD
from csre_mm.datasets.preparation.raw_files import LARGEST_FILE, RawFile, to_metres
from csre_mm.utils.errors import InputError, printable
from csre_mm.utils.plain_values import brief

SUFFIX = '_skeleton.mat'
_COMPRESSED = 15  # the type of a compressed variable in a MATLAB 5 file
_NUMBERS = (
    'double',
    'single',
    *(f'{sign}int{bits}' for sign in ('', 'u') for bits in (8, 16, 32, 64)),
)
_PATTERN = re.compile(r'a([1-9]|1\d|2[0-7])_s([1-8])_t[1-4]', re.ASCII)


def parse_name(name: str, where: str | None = None) -> tuple[int, int]:
    """Action and subject in a sequence's name; messages call the file ``where`` or ``name``."""
    match = _PATTERN.fullmatch(name)
    if match is None:
        raise InputError(
            f'{where or name}: expected a name of the form aA_sS_tT{SUFFIX}, A 1 to 27, S 1 to 8, '
            'T 1 to 4'
        )
    return int(match[1]), int(match[2])


def parse_mat(data: bytes, where: str) -> np.ndarray:
    """Read one MATLAB file, ``d_skel`` [20][3][T] in metres: (1, T, V=20, 3), float32 metres."""
    try:
        _check_size(data)
        kinds = {name: kind for name, _, kind in whosmat(io.BytesIO(data))}
        is_number = kinds.get('d_skel') in _NUMBERS  # a cell array claims any size
        content = loadmat(io.BytesIO(data), variable_names=['d_skel']) if is_number else {}
    except Exception as error:  # whatever SciPy raises for a damaged file
        reason = printable(' '.join(str(error).split()) or type(error).__name__)
        raise InputError(f'{where}: not a MATLAB file, or a damaged one: {reason:.100}') from error
    if 'd_skel' not in kinds:
        raise InputError(f"{where}: has no 'd_skel'")
    array = content.get('d_skel', kinds['d_skel'])
    expected = f'expected numbers [{UTD_MHAD.num_joints}][3][T], T from 1'
    if not isinstance(array, np.ndarray) or array.dtype.kind not in 'fiu':
        raise InputError(f'{where}: d_skel is {brief(array)}, {expected}')
    if array.ndim != 3 or array.shape[:2] != (UTD_MHAD.num_joints, 3) or not array.size:
        raise InputError(f'{where}: d_skel has the shape {array.shape}, {expected}')
    array = to_metres(array, f'{where}: d_skel')
    return np.ascontiguousarray(array.transpose(2, 0, 1)[None])  # (1, T, V, 3)


def _check_size(data: bytes) -> None:
    """Refuse compressed variables that are larger than a raw file may be."""
    place = 128
    order: Literal['little', 'big'] = 'little' if data[126:128] == b'IM' else 'big'
    while place < len(data):
        kind, size = (int.from_bytes(data[place + i : place + i + 4], order) for i in (0, 4))
        content = data[place + 8 : place + 8 + size]
        if kind == _COMPRESSED:
            unpacked = zlib.decompressobj().decompress(content, LARGEST_FILE + 1)
            if len(unpacked) > LARGEST_FILE:
                raise ValueError(f'unpacked it has more than {LARGEST_FILE:,} bytes')
        place += 8 + size


def build_utd_mhad(files: Iterable[RawFile]) -> dict[str, Any]:
    """Read the MATLAB files of the data set: annotations, and the splits ``train`` and ``val``."""
    annotations, split = [], dict[str, list[str]](train=[], val=[])
    for file in files:
        name = file.stem.removesuffix('_skeleton')
        action, subject = parse_name(name, str(file))
        keypoint = parse_mat(file.read(), str(file))
        split['train' if subject % 2 else 'val'].append(name)
        sample = dict(frame_dir=name, label=action - 1, total_frames=keypoint.shape[1])
        annotations.append({**sample, 'keypoint': keypoint})
    return dict(split=split, annotations=annotations)
