"""Converting many raw files of NTU RGB+D, in several processes."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from csre_mm.datasets.preparation.ntu.annotation import make_sample
from csre_mm.datasets.preparation.ntu.raw import UNREADABLE, RejectedError
from csre_mm.datasets.preparation.raw_files import RawFile
from csre_mm.utils.errors import InputError

FILES_PER_CALL = 64  # files that a process is given at a time, about half a second of work


@dataclass(frozen=True)
class Outcome:
    """The result of converting one raw file."""

    name: str
    annotation: dict[str, Any] | None = None  # None if it was rejected
    reason: str | None = None  # one of ``raw.REASONS``
    message: str = ''  # the same with the file and the line
    notes: dict[str, int] = field(default_factory=dict)  # what is unusual about it


def convert_file(file: RawFile, cleaning: str) -> Outcome:
    """Convert one raw file; ``cleaning`` is one of ``annotation.CLEANINGS``."""
    try:
        annotation, notes = make_sample(file.read(), file.stem, str(file), cleaning)
    except InputError as error:
        reason = error.reason if isinstance(error, RejectedError) else UNREADABLE
        return Outcome(file.stem, reason=reason, message=str(error))
    return Outcome(file.stem, annotation, notes=dict(notes))


def convert_files(
    files: Sequence[RawFile], cleaning: str, workers: int
) -> Generator[Outcome, None, None]:
    """Give the outcomes of :func:`convert_file` in the order of the files, by several processes."""
    convert = partial(convert_file, cleaning=cleaning)
    if min(workers, len(files)) <= 1:
        yield from map(convert, files)
        return
    with ProcessPoolExecutor(workers, initializer=_start_worker) as pool:
        try:
            with _ctrl_c_later():  # a pool that is interrupted while it starts never ends
                outcomes = pool.map(convert, files, chunksize=FILES_PER_CALL)
            yield from outcomes
        except BrokenProcessPool:
            raise InputError(
                'a worker process was ended from outside, perhaps for lack of memory: try fewer '
                '--workers'
            ) from None
        finally:
            pool.shutdown(cancel_futures=True)


@contextmanager
def _ctrl_c_later() -> Iterator[None]:
    """Let Ctrl-C wait for the end of the block; sigmask would not do, there are other threads."""
    caught: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: caught.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    for number in caught:
        signal.raise_signal(number)


def _start_worker() -> None:
    """Leave Ctrl-C to the parent, and end when the parent does, even if it is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
