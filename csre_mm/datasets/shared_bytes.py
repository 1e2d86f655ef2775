"""Samples as one array of bytes that the worker processes of a data loader map."""

import ctypes
import io
import mmap
import os
import pickle
import weakref
from collections.abc import Iterable
from multiprocessing import reduction
from multiprocessing.context import get_spawning_popen
from typing import Any, BinaryIO

import numpy as np

_TRIM_INTERVAL = 64 << 20
"""Bytes written between two requests to hand freed memory back."""


class _SharedMap(mmap.mmap):
    """Memory that has a file descriptor, but no name, for reading."""

    fd: int

    def __new__(cls, fd: int) -> '_SharedMap':
        """Map all of ``fd``, which is closed with the mapping."""
        self = super().__new__(cls, fd, 0, prot=mmap.PROT_READ)
        self.fd = fd
        weakref.finalize(self, os.close, fd)
        return self

    def __reduce__(self) -> tuple:
        # In one pickle a mapping comes once, however many arrays show parts of it: a process cannot
        # be started with the same descriptor twice.
        return _attach, (reduction.DupFd(self.fd),)


def pickle_shared(samples: Iterable[Any]) -> tuple[np.ndarray, np.ndarray]:
    """Pickle samples one behind the other into memory that other processes can map.

    The layout is that of ``mmengine.dataset.BaseDataset``. There every sample is pickled, and then
    all of them are joined: three copies at the peak. Here a sample is written and can be forgotten;
    an iterable that forgets keeps the peak at one copy and a little.

    On Linux the memory is a file without a name or a place in a file system (``memfd_create``), so
    it takes nothing of ``/dev/shm``, which is small in containers. Elsewhere it is memory of the
    process: forked workers use the same pages, because nobody writes to them.

    Args:
        samples: At least one object that can be pickled.

    Returns:
        The pickles, uint8 (bytes,), not to be written to; and the end of each, int64 (samples,).
    """
    file = _memory_file()
    ends, trimmed = [], 0
    for sample in samples:
        pickle.dump(sample, file, protocol=4)
        ends.append(file.tell())
        if ends[-1] - trimmed >= _TRIM_INTERVAL:
            trimmed = ends[-1]
            _trim()
    _trim()
    if isinstance(file, io.BytesIO):
        array = np.frombuffer(file.getbuffer(), np.uint8)
    else:
        file.flush()
        array = np.frombuffer(_SharedMap(os.dup(file.fileno())), np.uint8)
        file.close()
    return array, np.array(ends, dtype=np.int64)


class Passed:
    """Stands for an array in a pickle: a process that is being started maps the same memory.

    Where it cannot, because the array is no view of shared memory or the pickle is for something
    else than the start of a process, the pickle holds a copy. Either way an array is unpickled.

    Args:
        array: uint8 (bytes,), from :func:`pickle_shared` or a contiguous part of that.
    """

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def __reduce__(self) -> tuple:
        shared = _map_of(self.array)
        if shared is None or get_spawning_popen() is None:
            return np.asarray, (self.array,)
        start = _address(self.array) - _address(np.frombuffer(shared, np.uint8))
        return np.frombuffer, (shared, np.uint8, self.array.nbytes, start)


def _attach(descriptor: Any) -> _SharedMap:
    """Map what another process has written."""
    return _SharedMap(descriptor.detach())


def _map_of(array: np.ndarray) -> _SharedMap | None:
    """The mapping that an array is a view of."""
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    if isinstance(base, memoryview):
        base = base.obj
    return base if isinstance(base, _SharedMap) else None


def _address(array: np.ndarray) -> int:
    return array.__array_interface__['data'][0]


def _memory_file() -> BinaryIO:
    """A file in memory, open for writing; one with a descriptor where the system has such."""
    try:
        return os.fdopen(os.memfd_create('csre_mm'), 'wb')
    except (AttributeError, OSError):
        return io.BytesIO()


def _trim() -> None:
    """Hand the memory of forgotten samples back.

    glibc by itself returns the top of its heap only, and the samples lie below it.
    """
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError, TypeError):  # another C library; TypeError: Windows
        return
