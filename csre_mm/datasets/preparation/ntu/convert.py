"""Converting many raw files of NTU RGB+D: in several processes, and taking up where one stopped."""

import multiprocessing
import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from csre_mm.datasets.annotations import check_annotations
from csre_mm.datasets.preparation.annotation_stream import encode_annotation
from csre_mm.datasets.preparation.ntu.annotation import make_sample
from csre_mm.datasets.preparation.ntu.parts import Outcome, name_part, read_part, write_part
from csre_mm.datasets.preparation.ntu.rejection import UNREADABLE, RejectedError
from csre_mm.datasets.preparation.raw_files import RawFile
from csre_mm.utils.errors import InputError

FILES_A_PART = 64
"""An interruption loses less than this for each process, about half a second of work."""


@dataclass(frozen=True)
class Task:
    """The raw files of one part.

    Args:
        path: Where the part is, or will be.
        files: What goes into it.
        cleaning: One of :data:`~csre_mm.datasets.preparation.ntu.annotation.CLEANINGS`.
    """

    path: Path
    files: tuple[RawFile, ...]
    cleaning: str


def plan_tasks(files: Sequence[RawFile], folder: Path, cleaning: str) -> list[Task]:
    """Share raw files out between parts in a folder, the same way each time."""
    chunks = [
        tuple(files[start : start + FILES_A_PART]) for start in range(0, len(files), FILES_A_PART)
    ]
    return [Task(folder / name_part(chunk, cleaning), chunk, cleaning) for chunk in chunks]


def run_task(task: Task) -> tuple[list[Outcome], bool]:
    """Convert the files of a task and write its part, unless that is there.

    Returns:
        An outcome for each file, and whether an earlier run had done it.
    """
    part = read_part(task.path)
    # What could not be read may have been a matter of the machine, not of the file.
    if part and not any(outcome.reason == UNREADABLE for outcome in part[0]):
        return part[0], True
    outcomes, pieces = [], bytearray()
    for file in task.files:
        outcome, piece = _convert(file, task.cleaning)
        outcomes.append(outcome)
        pieces += piece
    write_part(task.path, outcomes, bytes(pieces))
    return outcomes, False


def _convert(file: RawFile, cleaning: str) -> tuple[Outcome, bytes]:
    """What became of a file, and the piece of its annotation, empty if there is none."""
    try:
        data = file.read()
    except InputError as error:
        return Outcome(file.stem, UNREADABLE, str(error)), b''
    notes: Counter[str]
    try:
        annotation, notes = make_sample(data, file.stem, str(file), cleaning)
    except RejectedError as error:
        return Outcome(file.stem, error.reason, str(error)), b''
    check_annotations(dict(split={}, annotations=[annotation]), str(file))
    num_persons, num_frames = annotation['keypoint'].shape[:2]
    outcome = Outcome(file.stem, num_persons=num_persons, num_frames=num_frames, notes=dict(notes))
    return outcome, encode_annotation(annotation)


@contextmanager
def run_tasks(
    tasks: Sequence[Task], workers: int
) -> Iterator[Iterator[tuple[list[Outcome], bool]]]:
    """Give the results of :func:`run_task` in order, from several processes.

    Leaving the block early lets the processes finish, and keep, the parts that they are at.

    Raises:
        InputError: While the results are taken, if a process was ended from outside.
    """
    workers = min(workers, len(tasks))
    if workers <= 1:
        yield map(run_task, tasks)
        return
    pool = ProcessPoolExecutor(workers, initializer=_start_worker)
    try:
        yield _results([pool.submit(run_task, task) for task in tasks])
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _results(
    futures: list[Future[tuple[list[Outcome], bool]]],
) -> Iterator[tuple[list[Outcome], bool]]:
    try:
        for future in futures:
            yield future.result()
    except BrokenProcessPool:
        raise InputError(
            'a worker process was ended from outside, for want of memory perhaps: the same command '
            'goes on where this one stopped, with fewer --workers if need be'
        ) from None


def _start_worker() -> None:
    """Leave Ctrl-C to the parent, and end when the parent does, even if it is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def copy_parts(tasks: Sequence[Task]) -> Iterator[memoryview]:
    """The pieces of all annotations, a part at a time.

    Raises:
        InputError: If a part is not there any more, or damaged.
    """
    for task in tasks:
        part = read_part(task.path)
        if part is None:
            raise InputError(
                f'{task.path}: was changed while this ran; the same command makes it again'
            )
        yield part[1]
