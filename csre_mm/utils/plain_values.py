"""Checked stand-ins for the functions of NumPy and Python that pickles of plain data call.

NumPy's functions are not called with unchecked arguments: a changed byte in the state of a
``numpy.dtype`` is enough to end the process. A size is checked before memory is allocated.
"""

import math
import pickle
import reprlib
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

import numpy as np

KINDS = 'biufcSU'  # booleans, numbers and strings: no objects, no fields
_SCALARS = (str, bytes, int, float, type(None), np.generic)
_MAX_DIMS = 32
_MOST_TUPLES = 10_000  # entries of a container whose keys may be tuples


class RefusedError(pickle.UnpicklingError):
    """The pickle asks for something that plain data does not need."""


class _Brief(reprlib.Repr):
    def __init__(self) -> None:
        super().__init__()
        self.maxlevel, self.maxstring, self.maxother = 2, 100, 60

    def repr_int(self, x: int, level: int) -> str:
        # Python refuses to write integers of more than some thousand digits.
        return repr(x) if x.bit_length() < 200 else f'an integer of {x.bit_length()} bits'

    def repr_bytes(self, x: bytes, level: int) -> str:
        return repr(x[:30])

    def repr_bytearray(self, x: bytearray, level: int) -> str:
        return repr(x[:30])

    def repr_OrderedDict(self, x: OrderedDict, level: int) -> str:  # noqa: N802  reprlib's rule
        return self.repr_dict(x, level)


_BRIEF = _Brief()


def brief(value: Any) -> str:
    """A value of a file in one short line for a message, however large or nested it is."""
    if isinstance(value, np.ndarray):
        return f'{value.dtype} {value.shape}'
    text = ' '.join(_BRIEF.repr(value).split())
    return text if len(text) <= 120 else f'{text[:117]}...'


def make_dtype(code: Any, align: Any = False, copy: Any = True) -> np.dtype:
    """``numpy.dtype``: a separate object, by which the unpickler finds it again."""
    if type(code) is not str or len(code) > 40:
        raise pickle.UnpicklingError(f'{brief(code)} is no name of a dtype')
    dtype: np.dtype = np.dtype(code, copy=True)
    if dtype.kind not in KINDS or dtype.subdtype or dtype.fields:
        raise RefusedError(f'arrays of dtype {code}')
    return dtype


def with_byte_order(dtype: np.dtype, state: Any) -> np.dtype:
    """Apply the byte order, the only part of the state that these types have."""
    if not isinstance(state, tuple) or len(state) < 2 or state[1] not in ('<', '>', '|', '='):
        raise pickle.UnpicklingError(f'{brief(state)} is no state of a dtype')
    return dtype.newbyteorder(state[1])


def _check_size(data: Any, dtype: Any, shape: Any) -> None:
    if not isinstance(data, bytes | bytearray) or not isinstance(dtype, np.dtype):
        raise pickle.UnpicklingError('an array without its bytes or dtype')
    if (
        not isinstance(shape, tuple)
        or len(shape) > _MAX_DIMS
        or not all(type(n) is int and 0 <= n < 1 << 63 for n in shape)
    ):
        raise pickle.UnpicklingError(f'{brief(shape)} is no shape')
    count = math.prod(shape)
    # NumPy gives strings of no length one character: such an array would be larger than its bytes.
    if count * dtype.itemsize != len(data) or (shape and count and not dtype.itemsize):
        raise pickle.UnpicklingError(
            f'{len(data)} bytes are no array of shape {brief(shape)} and dtype {dtype}'
        )


def reconstruct(kind: Any, shape: Any, code: Any) -> np.ndarray:
    """NumPy's function of this name: an array that :func:`fill` completes."""
    return np.empty(0, np.int8)


def fill(array: np.ndarray, state: Any) -> None:
    """Set the contents of an array from :func:`reconstruct`."""
    if array.size or array.base is not None or not isinstance(state, tuple) or len(state) < 4:
        raise pickle.UnpicklingError(f'{brief(state)} is no state of an array')
    shape, dtype, fortran_order, data = state[-4:]
    _check_size(data, dtype, shape)
    # NumPy uses the bytes of large arrays without a copy.
    state_of_array: Any = (1, shape, dtype, bool(fortran_order), bytes(data))
    array.__setstate__(state_of_array)


def frombuffer(data: Any, dtype: Any, shape: Any, order: Any, axes: Any = None) -> np.ndarray:
    """NumPy's function of this name: protocol 5, without a copy."""
    _check_size(data, dtype, shape)
    if not data:
        return np.empty(shape, dtype)
    if order == 'K' and axes is not None:
        return np.frombuffer(data, dtype).reshape(shape).transpose(axes)
    return np.frombuffer(data, dtype).reshape(shape, order=order)


def scalar(dtype: Any, data: Any = b'') -> np.generic:
    """NumPy's function of this name: a number or string as NumPy has them."""
    _check_size(data, dtype, ())
    return np.frombuffer(data, dtype)[0] if data else dtype.type()


def encode(text: Any, encoding: Any) -> bytes:
    """``_codecs.encode`` as pickles of protocol 2 use it: bytes, written as latin-1 text."""
    if encoding not in ('latin1', 'latin-1'):
        raise RefusedError(f'_codecs.encode to {brief(encoding)}')
    return text.encode('latin-1')


def make_bytearray(data: Any = b'', encoding: Any = None) -> bytearray:
    """``bytearray`` of bytes or text; of a number Python makes that many bytes."""
    if encoding is not None:
        data = encode(data, encoding)
    if not isinstance(data, bytes):
        raise pickle.UnpicklingError(f'a bytearray of {brief(data)}')
    return bytearray(data)


def checked_keys(keys: Iterable[Any], present: int = 0) -> list[Any]:
    """Insist on keys that are quick to hash, for a container that has others already.

    These are scalars and, in small containers, tuples of a few scalars: many tuples, as many
    complex numbers, can be made to have one hash, and then each is compared with all others.
    """
    keys = list(keys)
    if set(map(type, keys)) <= {str}:
        return keys
    for key in keys:
        is_tuple = type(key) is tuple and len(key) <= 8 and present + len(keys) <= _MOST_TUPLES
        for part in key if is_tuple else (key,):
            large = type(part) is int and part.bit_length() > 64
            if large or not isinstance(part, _SCALARS) or isinstance(part, np.complexfloating):
                raise pickle.UnpicklingError(f'{brief(key)} is a key or in a set')
    return keys


def ordered_dict(pairs: Any = ()) -> OrderedDict:
    """``OrderedDict`` of pairs; usually empty, as the reader adds them later."""
    keys, values = [key for key, _ in pairs], [value for _, value in pairs]
    return OrderedDict(zip(checked_keys(keys), values, strict=True))
