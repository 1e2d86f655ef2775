"""Reading ``.npy`` files of numbers."""

import os

import numpy as np

from csre_mm.utils.errors import InputError, one_line

LARGEST_ARRAY = 1 << 28
"""Bytes of an ``.npy``: hours of a skeleton."""


def load_array(path: str | os.PathLike) -> np.ndarray:
    """Read an array of numbers; an ``InputError`` if the file holds something else, or less."""
    try:
        if (size := os.path.getsize(path)) > LARGEST_ARRAY:
            raise ValueError(f'it has {size:,} bytes, expected at most {LARGEST_ARRAY:,}')
        with np.errstate(over='ignore'):  # a map is never larger than its file, whatever it claims
            array = np.load(path, mmap_mode='r', allow_pickle=False)
        if not isinstance(array, np.memmap):
            raise ValueError('an .npz of several arrays')
        if array.dtype.kind not in 'fiu':
            raise ValueError(f'it holds {array.dtype}, expected numbers')
        if array.offset + array.nbytes != size:
            raise ValueError(f'{size} bytes are not {array.dtype} of the shape {array.shape}')
        return np.array(array)
    except OSError as error:
        raise InputError(f'{path}: cannot be read: {error.strerror or error}') from error
    except Exception as error:  # a damaged header is read as Python's text, and can raise anything
        raise InputError(
            f'{path}: not an .npy of numbers, or a damaged one: {one_line(error, 120)}'
        ) from error
