"""Converting many raw files of NTU RGB+D: in several processes, and again after an interruption.

The files are converted in parts, each of them a file on disk. A part is named by a digest of all
that it depends on, so that a later run knows which parts it can use. It holds the outcome of each
raw file and the pieces of the annotation pickle (``annotation_stream``): to write the pickle is to
copy bytes.
"""

import dataclasses
import hashlib
import json
import multiprocessing
import os
import signal
import threading
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path

from csre_mm.datasets.preparation.annotation_stream import encode_annotation
from csre_mm.datasets.preparation.ntu.annotation import make_sample
from csre_mm.datasets.preparation.ntu.raw import UNREADABLE, RejectedError
from csre_mm.datasets.preparation.raw_files import RawFile
from csre_mm.utils.errors import InputError
from csre_mm.utils.files import atomic_path
from csre_mm.version import __version__

FILES_PER_PART = 64
"""An interruption loses less than this for each process, about half a second of work."""
SUFFIX = '.part'


@dataclass(frozen=True)
class Outcome:
    """The result of converting one raw file.

    Args:
        name: The sample's name.
        reason: Why there is no sample, one of ``raw.REASONS``, or None.
        message: The same with the file and the line, or empty.
        num_persons: Actors in the sample.
        num_frames: Frames in the sample.
        notes: Counts of what is unusual about the recording.
    """

    name: str
    reason: str | None = None
    message: str = ''
    num_persons: int = 0
    num_frames: int = 0
    notes: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Task:
    """The raw files of one part.

    Args:
        path: The file of the part.
        files: Its raw files.
        cleaning: One of :data:`~csre_mm.datasets.preparation.ntu.annotation.CLEANINGS`.
    """

    path: Path
    files: tuple[RawFile, ...]
    cleaning: str


def plan_tasks(files: Sequence[RawFile], folder: Path, cleaning: str) -> list[Task]:
    """Divide raw files among parts in a folder, the same way each time."""
    tasks = []
    for start in range(0, len(files), FILES_PER_PART):
        chunk = tuple(files[start : start + FILES_PER_PART])
        identity = [__version__, cleaning, [[str(file), file.size, file.stamp] for file in chunk]]
        digest = hashlib.sha256(json.dumps(identity).encode()).hexdigest()
        tasks.append(Task(folder / f'{digest[:32]}{SUFFIX}', chunk, cleaning))
    return tasks


def write_part(path: Path, outcomes: Sequence[Outcome], pieces: bytes) -> None:
    """Write a part, whole or not at all.

    Args:
        path: The file to write.
        outcomes: One for each raw file.
        pieces: The annotations of those that gave a sample, in the same order.
    """
    head = json.dumps([dataclasses.asdict(outcome) for outcome in outcomes]).encode()
    content = head + b'\n' + pieces
    with atomic_path(path) as temporary:
        temporary.write_bytes(hashlib.sha256(content).digest() + content)


def read_part(path: Path) -> tuple[list[Outcome], memoryview] | None:
    """Read what :func:`write_part` wrote.

    Returns:
        The outcomes and the pieces, or None if there is no such file or it is damaged.
    """
    try:
        data = path.read_bytes()
    except OSError:
        return None
    start = hashlib.sha256().digest_size
    if data[:start] != hashlib.sha256(memoryview(data)[start:]).digest():
        return None
    end = data.index(b'\n', start)
    outcomes = [Outcome(**outcome) for outcome in json.loads(data[start:end])]
    return outcomes, memoryview(data)[end + 1 :]


def remove_parts(folder: Path) -> None:
    """Remove all parts, unfinished ones too, and the folder if nothing else is in it."""
    for pattern in (f'*{SUFFIX}', f'.*{SUFFIX}'):
        for path in folder.glob(pattern):
            path.unlink(missing_ok=True)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def run_task(task: Task) -> tuple[list[Outcome], bool]:
    """Convert the files of a task and write its part, unless an earlier run has.

    Returns:
        An outcome for each file, and whether an earlier run converted them.
    """
    part = read_part(task.path)
    # A file may have been unreadable because of the machine.
    if part and not any(outcome.reason == UNREADABLE for outcome in part[0]):
        return part[0], True
    results = [_convert(file, task.cleaning) for file in task.files]
    outcomes = [outcome for outcome, _ in results]
    write_part(task.path, outcomes, b''.join(piece for _, piece in results))
    return outcomes, False


def _convert(file: RawFile, cleaning: str) -> tuple[Outcome, bytes]:
    """The outcome of a file and the piece of its annotation, empty if there is none."""
    try:
        annotation, notes = make_sample(file.read(), file.stem, str(file), cleaning)
    except InputError as error:
        reason = error.reason if isinstance(error, RejectedError) else UNREADABLE
        return Outcome(file.stem, reason, str(error)), b''
    num_persons, num_frames = annotation['keypoint'].shape[:2]
    outcome = Outcome(file.stem, num_persons=num_persons, num_frames=num_frames, notes=dict(notes))
    return outcome, encode_annotation(annotation)


def run_tasks(
    tasks: Sequence[Task], workers: int
) -> Generator[tuple[list[Outcome], bool], None, None]:
    """Give the results of :func:`run_task` in order, from several processes.

    When the iterator is closed early, the processes finish and keep the parts in progress.

    Raises:
        InputError: If a process was ended from outside.
    """
    workers = min(workers, len(tasks))
    if workers <= 1:
        yield from map(run_task, tasks)
        return
    pool = ProcessPoolExecutor(workers, initializer=_start_worker)
    try:
        for future in [pool.submit(run_task, task) for task in tasks]:
            yield future.result()
    except BrokenProcessPool:
        raise InputError(
            'a worker process was ended from outside, perhaps for lack of memory: the same command '
            'continues where this one stopped; try fewer --workers'
        ) from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


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
        InputError: If a part is missing or damaged.
    """
    for task in tasks:
        part = read_part(task.path)
        if part is None:
            raise InputError(
                f'{task.path}: was changed while this ran; the same command makes it again'
            )
        yield part[1]
