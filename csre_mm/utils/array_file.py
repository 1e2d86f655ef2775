"""Reading ``.npy`` files: a header that is compared with the size of the file, and numbers."""

import math
import os

import numpy as np

from csre_mm.utils.errors import InputError, one_line
from csre_mm.utils.plain_values import brief

LARGEST_ARRAY = 1 << 28
"""Bytes of an ``.npy``: hours of a skeleton."""

_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def load_array(path: str | os.PathLike) -> np.ndarray:
    """Read an array of numbers, of a header that is compared with the size of the file."""
    try:
        with open(path, 'rb') as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(0)
            if file.read(2) == b'PK':
                raise ValueError('an .npz of several arrays')
            file.seek(0)
            version = np.lib.format.read_magic(file)
            shape, fortran, dtype = _HEADERS[version](file)
            if dtype.kind not in 'fiu':
                raise ValueError(f'it holds {dtype}, expected numbers')
            count, rest = math.prod(shape), size - file.tell()
            if not all(type(n) is int and n >= 0 for n in shape) or count * dtype.itemsize != rest:
                raise ValueError(f'{rest} bytes are not {dtype} of the shape {brief(shape)}')
            if size > LARGEST_ARRAY:
                raise ValueError(f'it has {size:,} bytes, expected at most {LARGEST_ARRAY:,}')
            array = np.frombuffer(file.read(), dtype)
            return array.reshape(shape, order='F' if fortran else 'C')
    except OSError as error:
        raise InputError(f'{path}: cannot be read: {error.strerror or error}') from error
    except Exception as error:  # a damaged header is read as Python's text, and can raise anything
        raise InputError(
            f'{path}: not an .npy of numbers, or a damaged one: {one_line(error, 120)}'
        ) from error
