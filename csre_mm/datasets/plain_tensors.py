"""Reading pickles of plain data that also hold tensors on the CPU, as NumPy arrays.

Python's pickle of a tensor calls two functions of torch: one reads a storage from bytes, which are
a file in torch's format from before 1.6, and one makes the tensor from the storage. Here functions
of this module stand for both. torch does not read the bytes: ``torch.load(..., weights_only=True)``
of a changed file can end the process (the hash of a deep tuple) or take gigabytes (a bytearray).
"""

import io
import math
import pickle
from collections import OrderedDict
from typing import Any, BinaryIO

import numpy as np

from csre_mm.datasets.plain_pickle import PLAIN_NAMES, RefusedError, load_plain
from csre_mm.datasets.plain_values import brief

_MAGIC = 0x1950A86A20F9469CFC6C
_VERSION = 1001
_DTYPES = {
    'HalfStorage': '<f2',
    'BFloat16Storage': '<u2',  # the upper half of a float32, which NumPy has no name for
    'FloatStorage': '<f4',
    'DoubleStorage': '<f8',
    'IntStorage': '<i4',
    'LongStorage': '<i8',
    'BoolStorage': '?',
}
_STORAGE_NAMES = {('torch', kind): kind for kind in _DTYPES}
_MAX_DIMS = 32


class Storage:
    """The values of a storage (numel,): only ever an argument of :func:`rebuild_tensor`."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values


def load_storage(data: Any) -> Storage:
    """``torch.storage._load_from_bytes`` of one storage on the CPU.

    Args:
        data: Five pickles (magic number, version, byte order, reference, keys), the number of
            values in 8 bytes, and the values.

    Raises:
        UnpicklingError: If the bytes are something else.
    """
    if not isinstance(data, bytes):
        raise pickle.UnpicklingError(f'a storage of {brief(data)}')
    file = io.BytesIO(data)
    header = [load_plain(file, _STORAGE_NAMES, references=True) for _ in range(5)]
    magic, version, system, reference, keys = header
    if (magic, version) != (_MAGIC, _VERSION) or not isinstance(system, dict):
        raise pickle.UnpicklingError('the bytes of a storage are no file of torch')
    if system.get('little_endian') is not True:
        raise RefusedError('a tensor of a machine with another byte order')
    if not isinstance(reference, tuple) or len(reference) != 6 or reference[0] != 'storage':
        raise pickle.UnpicklingError(f'{brief(reference)} refers to no storage')
    _, kind, key, device, numel, view = reference
    if device != 'cpu':
        raise RefusedError(f'a tensor on {brief(device)}, expected one on the CPU')
    if type(kind) is not str or kind not in _DTYPES or view is not None or keys != [key]:
        raise pickle.UnpicklingError(f'{brief(reference)} refers to no storage')
    dtype = np.dtype(_DTYPES[kind])
    size, content = file.read(8), memoryview(data)[file.tell() :]
    if (
        type(numel) is not int
        or int.from_bytes(size, 'little') != numel
        or numel * dtype.itemsize != len(content)
    ):
        raise pickle.UnpicklingError(f'{len(content)} bytes are not {brief(numel)} values {dtype}')
    values = np.frombuffer(content, dtype) if numel else np.empty(0, dtype)
    if kind == 'BFloat16Storage':
        values = (values.astype('<u4') << 16).view('<f4')
    return Storage(values)


def rebuild_tensor(
    storage: Any, offset: Any, size: Any, stride: Any, requires_grad: Any, hooks: Any
) -> np.ndarray:
    """``torch._utils._rebuild_tensor_v2``: an array that shares the values of the storage.

    Args:
        storage: From :func:`load_storage`.
        offset: Of the first value, in values.
        size: Of each dimension.
        stride: Of each dimension, in values.
        requires_grad: Whether the tensor has a gradient; an array has none.
        hooks: An empty dictionary.

    Raises:
        UnpicklingError: If the tensor would reach beyond its storage, or be larger than it.
    """
    if not isinstance(storage, Storage) or type(requires_grad) is not bool:
        raise pickle.UnpicklingError('a tensor without its storage')
    if type(hooks) is not OrderedDict or hooks:
        raise RefusedError('a tensor with hooks')
    for numbers in ((offset,), size, stride):
        if not isinstance(numbers, tuple) or len(numbers) > _MAX_DIMS:
            raise pickle.UnpicklingError(f'{brief(numbers)} is no size or stride of a tensor')
        if not all(type(number) is int and 0 <= number < 1 << 63 for number in numbers):
            raise pickle.UnpicklingError(f'{brief(numbers)} is no size or stride of a tensor')
    values, count = storage.values, math.prod(size)
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    if count > len(values) or (count and last >= len(values)):
        raise pickle.UnpicklingError(
            f'a tensor of size {brief(size)} and stride {brief(stride)} from value {offset} is '
            f'beyond its storage of {len(values)} values'
        )
    if not count:
        return np.empty(size, values.dtype)
    strides = [step * values.itemsize for step in stride]
    return np.lib.stride_tricks.as_strided(values[offset:], size, strides, writeable=False)


_NAMES = PLAIN_NAMES | {
    ('torch.storage', '_load_from_bytes'): load_storage,
    ('torch._utils', '_rebuild_tensor_v2'): rebuild_tensor,
}


def load_plain_tensors(file: BinaryIO) -> Any:
    """Read a pickle as :func:`~csre_mm.datasets.plain_pickle.load_plain` does, tensors included.

    Args:
        file: Open for reading, in binary.

    Returns:
        What ``load_plain`` returns. A tensor is an array, ``bfloat16`` as float32, which may be
        read-only.

    Raises:
        RefusedError: If the pickle asks for something else; the message names it.
        Exception: Almost any other, if the pickle is damaged.
    """
    return load_plain(file, _NAMES)
