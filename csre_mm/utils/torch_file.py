"""Reading files of ``torch.save`` without torch's reader.

torch's own, ``weights_only=True``, calls NumPy's constructors once they are allowed, with any
arguments; does not compare what it reads with the checksums in the file; and differs from release
to release in what it allows. Here a file holds tensors, what :mod:`plain_pickle` reads, and the
history of mmengine's message hub.
"""

import io
import os
import pickle
import zipfile
import zlib
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

import numpy as np
import torch
from mmengine.logging import HistoryBuffer
from torch import Tensor

from csre_mm.utils.plain_pickle import PLAIN_NAMES, Kind, RefusedError, load_plain
from csre_mm.utils.plain_tensors import (
    DTYPES,
    STORAGE_NAMES,
    Reference,
    Storage,
    check_reference,
    read_header,
    read_storage,
)
from csre_mm.utils.plain_values import brief, checked_keys, ordered_dict

_MOST_EXPANDED = 1 << 20  # values of an expanded tensor, whose storage has fewer


def read_torch_file(path: str | os.PathLike, device: str | torch.device = 'cpu') -> Any:
    """Read what ``torch.save`` wrote, in its present format or in that from before torch 1.6.

    The present format is a zip that holds a CRC-32 of each tensor, which is checked. A file that is
    damaged or asks for something else raises almost any exception.
    """
    with open(path, 'rb') as file:
        is_zip = file.read(4) == b'PK\x03\x04'
        file.seek(0)
        return _read_zip(file, device) if is_zip else _read_old(file, device)


def _read_zip(file: BinaryIO, device: str | torch.device) -> Any:
    size = file.seek(0, os.SEEK_END)
    with zipfile.ZipFile(file) as archive:
        entries = {info.filename.partition('/')[2]: info for info in archive.infolist()}
    if 'constants.pkl' in entries:
        raise RefusedError('TorchScript')
    if 'data.pkl' not in entries:
        raise pickle.UnpicklingError('a zip that torch.save did not write')
    if sum(info.file_size for info in entries.values()) > size:
        raise RefusedError('more bytes than the file has')

    def read(name: str) -> Tensor:
        if name not in entries:
            raise pickle.UnpicklingError(f'the file lacks {name}')
        return _read_entry(file, entries[name])

    if 'byteorder' in entries and bytes(read('byteorder').numpy()) != b'little':
        raise RefusedError('tensors of a machine with another byte order')
    storages = _Storages(lambda reference: read(f'data/{reference.key}'), device)
    return load_plain(io.BytesIO(read('data.pkl').numpy().data), storages.names(), references=True)


def _read_entry(file: BinaryIO, info: zipfile.ZipInfo) -> Tensor:
    """The bytes (B,) of an entry, compared with its checksum."""
    if info.compress_type != zipfile.ZIP_STORED:
        raise RefusedError('a compressed entry')
    file.seek(info.header_offset + 26)
    name, extra = (int.from_bytes(file.read(2), 'little') for _ in range(2))
    file.seek(name + extra, os.SEEK_CUR)
    content = torch.empty(info.file_size, dtype=torch.uint8)
    count = file.readinto(content.numpy())  # type: ignore[attr-defined]
    # torch writes zeros where its checksums are switched off.
    if count != info.file_size or (info.CRC and zlib.crc32(content.numpy().data) != info.CRC):
        raise pickle.UnpicklingError(f'the file is damaged: {info.filename} has another checksum')
    return content


def _read_old(file: BinaryIO, device: str | torch.device) -> Any:
    """The format from before torch 1.6: the values come after the pickle that refers to them."""
    read_header(file)
    start, found = file.tell(), {}

    def note(reference: Any, *_: Any) -> None:
        if isinstance(reference, tuple):
            reference = check_reference(reference)
            found[reference.key] = reference

    load_plain(file, _NAMES | dict.fromkeys(_TENSORS, note), references=True)
    keys = load_plain(file, {})
    if not isinstance(keys, list) or set(checked_keys(keys)) != found.keys():
        raise pickle.UnpicklingError('the storages are not those of the tensors')
    contents = {key: read_storage(file, found[key]).content for key in keys}
    file.seek(start)
    storages = _Storages(lambda reference: contents[reference.key], device)
    return load_plain(file, storages.names(), references=True)


class _Storages:
    """Makes tensors on a device of what a pickle refers to, storages of bytes (B,)."""

    def __init__(self, read: Callable[[Reference], Tensor], device: str | torch.device) -> None:
        self._read, self._device = read, device
        self._found: dict[str, Tensor] = {}

    def names(self) -> dict[tuple[str, str], Any]:
        """The names that the pickle may use."""
        return _NAMES | dict(zip(_TENSORS, (self.tensor, self.tensor, self.parameter), strict=True))

    def tensor(
        self,
        reference: Any,
        offset: Any,
        size: Any,
        stride: Any,
        requires_grad: Any = False,
        hooks: Any = None,
        metadata: Any = None,
    ) -> Tensor:
        """``torch._utils._rebuild_tensor_v2``; tensors of one storage share it."""
        reference = check_reference(reference)
        if reference.key not in self._found:
            self._found[reference.key] = self._read(reference).to(self._device)
        if hooks or metadata:
            raise RefusedError('a tensor with hooks')
        storage = Storage(reference, self._found[reference.key])
        tensor = storage.tensor(offset, size, stride, _MOST_EXPANDED)
        return tensor.requires_grad_(requires_grad is True)

    def parameter(self, data: Any, requires_grad: Any, hooks: Any) -> Tensor:
        """``torch._utils._rebuild_parameter``."""
        if not isinstance(data, Tensor) or hooks:
            raise RefusedError('a parameter without its tensor, or with hooks')
        return torch.nn.Parameter(data, requires_grad is True)


def _size(numbers: Any = ()) -> torch.Size:
    if not isinstance(numbers, tuple) or not all(type(number) is int for number in numbers):
        raise pickle.UnpicklingError(f'{brief(numbers)} is no torch.Size')
    return torch.Size(numbers)


def _device(*parts: Any) -> torch.device:
    if not all(type(part) in (str, int) for part in parts):
        raise pickle.UnpicklingError(f'{brief(parts)} is no device')
    return torch.device(*parts)


def _counter(counts: Any = ()) -> Counter:
    if not isinstance(counts, dict):
        raise pickle.UnpicklingError(f'a Counter of {brief(counts)}')
    return Counter(counts)


def _complex(*parts: Any) -> complex:
    if not all(type(part) is float for part in parts):
        raise pickle.UnpicklingError(f'{brief(parts)} is no complex number')
    return complex(*parts)


def _set_metadata(target: OrderedDict, state: Any) -> None:
    """The versions of modules that ``state_dict()`` gives."""
    versions = state.get('_metadata') if isinstance(state, dict) else None
    if not isinstance(versions, dict) or len(state) > 1:
        raise RefusedError(f'an OrderedDict with {brief(state)}')
    if not all(isinstance(of_module, dict) for of_module in versions.values()):
        raise RefusedError(f'an OrderedDict with {brief(state)}')
    vars(target).update(state)


def _statistic(owner: Any, name: Any) -> str:
    """What stands for ``getattr``: the history names its statistics by it."""
    if owner is not _HISTORY or name not in ('min', 'max', 'mean', 'current'):
        raise RefusedError(f'the attribute {brief(name)}')
    return name


def _fill_history(buffer: HistoryBuffer, state: Any) -> None:
    """Set the values; the statistics stay those of the class."""
    if not isinstance(state, Mapping):
        raise pickle.UnpicklingError(f'{brief(state)} is no HistoryBuffer')
    most = state.get('max_length')
    arrays: list[Any] = [state.get('_log_history'), state.get('_count_history')]
    good = all(isinstance(a, np.ndarray) and a.ndim == 1 and a.dtype.kind in 'biuf' for a in arrays)
    lengths = {len(array) for array in arrays} if good else set()
    if len(lengths) != 1 or type(most) is not int or most < 1:
        raise pickle.UnpicklingError(f'{brief(state)} is no HistoryBuffer')
    buffer.max_length, (buffer._log_history, buffer._count_history) = most, arrays


_HISTORY = Kind(HistoryBuffer, lambda: HistoryBuffer(), _fill_history)
_TENSORS = [
    ('torch._utils', '_rebuild_tensor'),
    ('torch._utils', '_rebuild_tensor_v2'),
    ('torch._utils', '_rebuild_parameter'),
]
_NAMES: dict[tuple[str, str], Any] = {
    **PLAIN_NAMES,
    **STORAGE_NAMES,
    **{('torch', str(dtype).removeprefix('torch.')): dtype for dtype in DTYPES.values()},
    ('collections', 'OrderedDict'): Kind(OrderedDict, ordered_dict, _set_metadata),
    ('collections', 'Counter'): _counter,
    ('torch', 'Size'): _size,
    ('torch', 'device'): _device,
    ('mmengine.logging.history_buffer', 'HistoryBuffer'): _HISTORY,
}
for _builtins in ('builtins', '__builtin__'):
    _NAMES[_builtins, 'getattr'] = _statistic
    _NAMES[_builtins, 'complex'] = _complex
