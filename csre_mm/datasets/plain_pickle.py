"""Reading pickles of plain containers and NumPy arrays, and of nothing else.

A pickle names functions and has them called. Here the few names that such data needs stand for
functions of this module. NumPy's own are not called with what the file says: a changed byte in the
state of a ``numpy.dtype`` is enough to end the process.
"""

import math
import pickle
from collections import OrderedDict
from typing import Any, BinaryIO

import numpy as np

_KINDS = 'biufcSU'
"""Booleans, numbers and strings: no objects, no fields."""


class RefusedError(pickle.UnpicklingError):
    """The pickle asks for something that plain data does not need."""


class _Dtype:
    """Stands for a ``numpy.dtype`` while a file is read."""

    def __init__(self, code: str, align: bool = False, copy: bool = True) -> None:
        if not isinstance(code, str):
            raise pickle.UnpicklingError(f'{code!r:.40} is no name of a dtype')
        self.value: np.dtype = np.dtype(code)
        if self.value.kind not in _KINDS or self.value.subdtype or self.value.fields:
            raise RefusedError(f'arrays of dtype {code!r:.40}')

    def __setstate__(self, state: tuple) -> None:
        """Take the byte order over: of the types above nothing else is in the state."""
        if state[1] not in ('<', '>', '|', '='):
            raise pickle.UnpicklingError(f'{state[1]!r:.40} is no byte order')
        self.value = self.value.newbyteorder(state[1])


class _Array:
    """Stands for an array while a file is read."""

    value: np.ndarray = np.empty(0)

    def __setstate__(self, state: tuple) -> None:
        shape, dtype, fortran_order, data = state[-4:]
        _check_size(data, dtype, shape)
        # Given a state that fits, NumPy keeps the bytes of large arrays without a copy.
        state_of_array: Any = (1, shape, dtype.value, bool(fortran_order), bytes(data))
        self.value = np.empty(0)
        self.value.__setstate__(state_of_array)


def _check_size(data: Any, dtype: Any, shape: Any) -> None:
    if not isinstance(data, bytes | bytearray) or not isinstance(dtype, _Dtype):
        raise pickle.UnpicklingError('an array without its bytes or dtype')
    if not isinstance(shape, tuple) or not all(type(n) is int and n >= 0 for n in shape):
        raise pickle.UnpicklingError(f'{shape!r:.40} is no shape')
    if math.prod(shape) * dtype.value.itemsize != len(data):
        raise pickle.UnpicklingError(
            f'{len(data)} bytes are no array of shape {shape!r:.80} and dtype {dtype.value}'
        )


def _reconstruct(kind: Any, shape: Any, code: Any) -> _Array:
    """NumPy's function of this name: an array that gets its contents later."""
    return _Array()


def _frombuffer(
    data: Any, dtype: Any, shape: Any, order: Any, axes: tuple[int, ...] | None = None
) -> _Array:
    """NumPy's function of this name: protocol 5, without a copy."""
    _check_size(data, dtype, shape)
    array = _Array()
    if not data:
        array.value = np.empty(shape, dtype.value)
    elif order == 'K' and axes is not None:
        array.value = np.frombuffer(data, dtype.value).reshape(shape).transpose(axes)
    else:
        array.value = np.frombuffer(data, dtype.value).reshape(shape, order=order)
    return array


def _scalar(dtype: Any, data: Any = b'') -> np.generic:
    """NumPy's function of this name: a number or string as NumPy has them."""
    _check_size(data, dtype, ())
    return np.frombuffer(data, dtype.value)[0] if data else dtype.value.type()


def _encode(text: Any, encoding: Any) -> bytes:
    """What ``_codecs.encode`` is used for in pickles of protocol 2: bytes, as latin-1 text."""
    if encoding not in ('latin1', 'latin-1'):
        raise RefusedError(f'_codecs.encode to {encoding!r:.40}')
    return text.encode('latin-1')


def _no_bytes() -> bytes:
    """What ``bytes`` is used for in pickles of protocol 2."""
    return b''


_ALLOWED: dict[tuple[str, str], Any] = {
    ('numpy', 'ndarray'): 'numpy.ndarray',  # only ever an argument of _reconstruct
    ('numpy', 'dtype'): _Dtype,
    ('collections', 'OrderedDict'): OrderedDict,
    ('_codecs', 'encode'): _encode,
}
for _core in ('numpy.core', 'numpy._core'):  # NumPy 1 and 2
    _ALLOWED[f'{_core}.multiarray', '_reconstruct'] = _reconstruct
    _ALLOWED[f'{_core}.multiarray', 'scalar'] = _scalar
    _ALLOWED[f'{_core}.numeric', '_frombuffer'] = _frombuffer
for _builtins in ('builtins', '__builtin__'):  # the second in protocol 2
    _ALLOWED[_builtins, 'set'] = set
    _ALLOWED[_builtins, 'frozenset'] = frozenset
    _ALLOWED[_builtins, 'bytearray'] = bytearray
    _ALLOWED[_builtins, 'bytes'] = _no_bytes


class _PlainUnpickler(pickle.Unpickler):
    """Looks names up in the list: nothing is imported."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise RefusedError(f'{module}.{name}')
        return _ALLOWED[module, name]


def load_plain(file: BinaryIO) -> Any:
    """Read a pickle.

    Args:
        file: Open for reading, in binary.

    Returns:
        Containers, numbers, strings, and arrays of booleans, numbers and strings.

    Raises:
        RefusedError: If the pickle asks for something else; the message names it.
        Exception: Almost any other, if the pickle is damaged.
    """
    return _replace(_PlainUnpickler(file).load(), {})


def _replace(value: Any, done: dict[int, tuple[Any, Any]]) -> Any:
    """Put arrays and dtypes in the places of what stood for them.

    Args:
        value: What was read; lists and dictionaries are changed in place.
        done: For each container met before, by its id: itself (so that the id stays its own) and
            what takes its place.
    """
    if isinstance(value, _Array | _Dtype):
        return value.value
    if not isinstance(value, tuple | list | dict):
        return value
    if id(value) in done:
        return done[id(value)][1]
    done[id(value)] = value, value
    if isinstance(value, tuple):
        items = tuple([_replace(item, done) for item in value])
        if any(new is not old for new, old in zip(items, value, strict=True)):
            done[id(value)] = value, items
        return done[id(value)][1]
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(item, _Array | _Dtype | tuple | list | dict):
            value[key] = _replace(item, done)
    return value
