"""Tensors in pickles, of which torch reads no byte: its storages, and the views of these.

``torch.load(..., weights_only=True)`` of a changed file can end the process (the hash of a deep
tuple) or take gigabytes (a bytearray).
"""

import io
import math
import os
import pickle
from collections import OrderedDict
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import torch
from torch import Tensor

from csre_mm.utils.plain_pickle import PLAIN_NAMES, RefusedError, load_plain
from csre_mm.utils.plain_values import brief

_MAGIC = 0x1950A86A20F9469CFC6C
_VERSION = 1001
DTYPES = {
    'HalfStorage': torch.float16,
    'BFloat16Storage': torch.bfloat16,
    'FloatStorage': torch.float32,
    'DoubleStorage': torch.float64,
    'ByteStorage': torch.uint8,
    'CharStorage': torch.int8,
    'ShortStorage': torch.int16,
    'IntStorage': torch.int32,
    'LongStorage': torch.int64,
    'BoolStorage': torch.bool,
}
STORAGE_NAMES = {('torch', kind): kind for kind in DTYPES}
"""The classes of storages, which a reference names."""
_MAX_DIMS = 32


class Reference(NamedTuple):
    """What a pickle of torch says of a storage that is kept outside of it."""

    kind: str
    key: str
    device: str
    numel: int

    @property
    def num_bytes(self) -> int:
        """Bytes of the values."""
        return self.numel * DTYPES[self.kind].itemsize


class Storage(NamedTuple):
    """The bytes (B,), uint8, that a reference is for."""

    reference: Reference
    content: Tensor

    def tensor(self, offset: Any, size: Any, stride: Any, most: int = 0) -> Tensor:
        """The tensor at an offset, of a size and stride, in values (:func:`check_view`)."""
        if len(self.content) != self.reference.num_bytes:
            raise pickle.UnpicklingError(
                f'{len(self.content)} bytes are not {brief(self.reference)}'
            )
        check_view(self.reference.numel, offset, size, stride, most)
        return self.content.view(DTYPES[self.reference.kind]).as_strided(size, stride, offset)


def check_reference(reference: Any) -> Reference:
    """Insist on a reference to a storage, in any of the forms that torch writes."""
    if not isinstance(reference, tuple) or len(reference) not in (5, 6):
        raise pickle.UnpicklingError(f'{brief(reference)} refers to no storage')
    name, kind, key, device, numel, *view = reference
    texts = all(type(text) is str and len(text) < 100 for text in (kind, key, device))
    if name != 'storage' or not texts or kind not in DTYPES or view not in ([], [None]):
        raise pickle.UnpicklingError(f'{brief(reference)} refers to no storage')
    if type(numel) is not int or not 0 <= numel < 1 << 48:
        raise pickle.UnpicklingError(f'{brief(reference)} refers to no storage')
    return Reference(kind, key, device, numel)


def read_header(file: BinaryIO) -> None:
    """Read the first three pickles of a file of torch from before 1.6."""
    magic, version, system = (load_plain(file, {}) for _ in range(3))
    if (magic, version) != (_MAGIC, _VERSION) or not isinstance(system, dict):
        raise pickle.UnpicklingError('the bytes of a storage are no file of torch')
    if system.get('little_endian') is not True:
        raise RefusedError('a tensor of a machine with another byte order')


def read_storage(file: BinaryIO, reference: Reference) -> Storage:
    """Read the number of values in 8 bytes and the values, all of which have to be there."""
    size = file.read(8)
    if int.from_bytes(size, 'little') != reference.numel or reference.num_bytes > _rest(file):
        raise pickle.UnpicklingError(f'the file lacks {brief(reference)}')
    content = torch.empty(reference.num_bytes, dtype=torch.uint8)
    file.readinto(content.numpy())  # type: ignore[attr-defined]
    return Storage(reference, content)


def _rest(file: BinaryIO) -> int:
    place = file.tell()
    end = file.seek(0, os.SEEK_END)
    file.seek(place)
    return end - place


def load_storage(data: Any) -> Storage:
    """``torch.storage._load_from_bytes``: a storage on the CPU, from a file in the old format."""
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
    storage = read_storage(file, reference)
    if _rest(file):
        raise pickle.UnpicklingError(f'there are {_rest(file)} bytes behind a storage')
    return storage


def check_view(numel: int, offset: Any, size: Any, stride: Any, most: int = 0) -> None:
    """Insist on a tensor within its storage of ``numel`` values, offset and strides in values.

    An expanded one has at most ``most`` values where these are more.
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
    """``torch._utils._rebuild_tensor_v2``: an array, ``bfloat16`` as float32."""
    if not isinstance(storage, Storage) or type(requires_grad) is not bool:
        raise pickle.UnpicklingError('a tensor without its storage')
    if type(hooks) is not OrderedDict or hooks:
        raise RefusedError('a tensor with hooks')
    tensor = storage.tensor(offset, size, stride)
    return (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()


_NAMES = PLAIN_NAMES | {
    ('torch.storage', '_load_from_bytes'): load_storage,
    ('torch._utils', '_rebuild_tensor_v2'): rebuild_tensor,
}


def load_plain_tensors(file: BinaryIO) -> Any:
    """Read a pickle as :func:`~csre_mm.utils.plain_pickle.load_plain`, tensors as arrays."""
    return load_plain(file, _NAMES)
