"""Reading pickles of plain data that also hold tensors on the CPU, as NumPy arrays.

Python's pickle of a tensor calls two functions of torch: one reads a storage from bytes, which are
a file in torch's format from before 1.6, and one makes the tensor from the storage. Here functions
of this module stand for both. torch does not read the bytes: ``torch.load(..., weights_only=True)``
of a changed file can end the process (the hash of a deep tuple) or take gigabytes (a bytearray).
"""

import io
import math
import os
import pickle
from collections import OrderedDict
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from csre_mm.utils.plain_pickle import PLAIN_NAMES, RefusedError, load_plain
from csre_mm.utils.plain_values import brief

_MAGIC = 0x1950A86A20F9469CFC6C
_VERSION = 1001
_DTYPES = {
    'HalfStorage': '<f2',
    'BFloat16Storage': '<u2',  # the upper half of a float32, which NumPy has no name for
    'FloatStorage': '<f4',
    'DoubleStorage': '<f8',
    'ByteStorage': 'u1',
    'CharStorage': 'i1',
    'ShortStorage': '<i2',
    'IntStorage': '<i4',
    'LongStorage': '<i8',
    'BoolStorage': '?',
}
STORAGE_NAMES = {('torch', kind): kind for kind in _DTYPES}
"""The classes of storages, which a reference names."""
_MAX_DIMS = 32


class Storage:
    """The values of a storage (numel,): only ever an argument of :func:`rebuild_tensor`.

    Args:
        values: As they are in the file; ``bfloat16``, which NumPy lacks, becomes float32.
        kind: The name of torch's class.
    """

    def __init__(self, values: np.ndarray, kind: str) -> None:
        if kind == 'BFloat16Storage':
            values = (values.astype('<u4') << 16).view('<f4')
        self.values = values


class Reference(NamedTuple):
    """What a pickle of torch says of a storage that is kept outside of it."""

    kind: str
    key: str
    device: str
    numel: int

    @property
    def num_bytes(self) -> int:
        """Bytes of the values."""
        return self.numel * np.dtype(_DTYPES[self.kind]).itemsize


def check_reference(reference: Any) -> Reference:
    """Check a reference to a storage, in any of the forms that torch writes.

    Raises:
        UnpicklingError: If it is something else.
    """
    if not isinstance(reference, tuple) or len(reference) not in (5, 6):
        raise pickle.UnpicklingError(f'{brief(reference)} refers to no storage')
    name, kind, key, device, numel, *view = reference
    texts = all(type(text) is str and len(text) < 100 for text in (kind, key, device))
    if name != 'storage' or not texts or kind not in _DTYPES or view not in ([], [None]):
        raise pickle.UnpicklingError(f'{brief(reference)} refers to no storage')
    if type(numel) is not int or not 0 <= numel < 1 << 48:
        raise pickle.UnpicklingError(f'{brief(reference)} refers to no storage')
    return Reference(kind, key, device, numel)


def read_header(file: BinaryIO) -> None:
    """Read the first three pickles of a file of torch from before 1.6.

    Raises:
        UnpicklingError: If they are something else.
    """
    magic, version, system = (load_plain(file, {}) for _ in range(3))
    if (magic, version) != (_MAGIC, _VERSION) or not isinstance(system, dict):
        raise pickle.UnpicklingError('the bytes of a storage are no file of torch')
    if system.get('little_endian') is not True:
        raise RefusedError('a tensor of a machine with another byte order')


def read_storage(file: BinaryIO, reference: Reference) -> bytes:
    """Read the number of values in 8 bytes and the values.

    Raises:
        UnpicklingError: If the number is not that of the reference, or there are fewer values.
    """
    size = file.read(8)
    content = file.read(reference.num_bytes) if reference.num_bytes <= _rest(file) else b''
    if int.from_bytes(size, 'little') != reference.numel or len(content) != reference.num_bytes:
        raise pickle.UnpicklingError(f'the file lacks {brief(reference)}')
    return content


def _rest(file: BinaryIO) -> int:
    place = file.tell()
    end = file.seek(0, os.SEEK_END)
    file.seek(place)
    return end - place


def load_storage(data: Any) -> Storage:
    """``torch.storage._load_from_bytes`` of one storage on the CPU.

    Args:
        data: A file in torch's format from before 1.6 whose object is the storage.

    Raises:
        UnpicklingError: If the bytes are something else.
    """
    if not isinstance(data, bytes):
        raise pickle.UnpicklingError(f'a storage of {brief(data)}')
    file = io.BytesIO(data)
    read_header(file)
    found, keys = (load_plain(file, STORAGE_NAMES, references=True) for _ in range(2))
    reference = check_reference(found)
    if reference.device != 'cpu':
        raise RefusedError(f'a tensor on {brief(reference.device)}, expected one on the CPU')
    if keys != [reference.key]:
        raise pickle.UnpicklingError(f'{brief(found)} refers to no storage')
    content = read_storage(file, reference)
    if _rest(file):
        raise pickle.UnpicklingError(f'there are {_rest(file)} bytes behind a storage')
    dtype = np.dtype(_DTYPES[reference.kind])
    values = np.frombuffer(content, dtype) if content else np.empty(0, dtype)
    return Storage(values, reference.kind)


def check_view(numel: int, offset: Any, size: Any, stride: Any, most: int = 0) -> None:
    """Check that a tensor lies within its storage.

    Args:
        numel: Values of the storage.
        offset: Of the first value, in values.
        size: Of each dimension.
        stride: Of each dimension, in values.
        most: Values that an expanded tensor may have, where they are more than ``numel``.

    Raises:
        UnpicklingError: If the tensor would reach beyond its storage, or have more values.
    """
    for numbers in ((offset,), size, stride):
        if not isinstance(numbers, tuple) or len(numbers) > _MAX_DIMS:
            raise pickle.UnpicklingError(f'{brief(numbers)} is no size or stride of a tensor')
        if not all(type(number) is int and 0 <= number < 1 << 63 for number in numbers):
            raise pickle.UnpicklingError(f'{brief(numbers)} is no size or stride of a tensor')
    count = math.prod(size)
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    if count > max(numel, most) or (count and last >= numel):
        raise pickle.UnpicklingError(
            f'a tensor of size {brief(size)} and stride {brief(stride)} from value {offset} is '
            f'beyond its storage of {numel} values'
        )


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
    values = storage.values
    check_view(len(values), offset, size, stride)
    if not math.prod(size):
        return np.empty(size, values.dtype)
    strides = [step * values.itemsize for step in stride]
    return np.lib.stride_tricks.as_strided(values[offset:], size, strides, writeable=False)


_NAMES = PLAIN_NAMES | {
    ('torch.storage', '_load_from_bytes'): load_storage,
    ('torch._utils', '_rebuild_tensor_v2'): rebuild_tensor,
}


def load_plain_tensors(file: BinaryIO) -> Any:
    """Read a pickle as :func:`~csre_mm.utils.plain_pickle.load_plain` does, tensors included.

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
