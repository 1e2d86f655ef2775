"""Carrying out planned runs: several at once, what was interrupted is resumed."""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from csre_mm.experiments.plan import PlannedRun
from csre_mm.experiments.record import (
    CHECKPOINTS,
    RunError,
    describe_run,
    find_checkpoint,
    is_finished,
    options_of_run,
    read_record,
    train_command,
    write_record,
)
from csre_mm.utils.errors import InputError
from csre_mm.utils.machine import describe_commit, describe_machine, num_cores
from csre_mm.utils.project import ROOT

OUTPUT = 'output.log'
"""What its commands print, in the working folder of a run."""


class Executor:
    """Carries out runs, each in separate processes.

    Args:
        jobs: Runs at once. Without ``OMP_NUM_THREADS`` in the environment the cores are divided
            between them.
        gpus: Devices that the runs go to in turn; empty to leave the choice to PyTorch.
        amp: Whether to train with ``--amp``.
        report: Called with a line when a run begins, ends or fails; from several threads.

    Attributes:
        failed: Runs that failed.

    Example:
        >>> executor = Executor(jobs=2, gpus=[], amp=False, report=print)
        >>> executor([])  # the runs of plan_runs
        0 runs, 0 of them finished before
    """

    def __init__(
        self, jobs: int, gpus: Sequence[str], amp: bool, report: Callable[[str], None]
    ) -> None:
        self.jobs, self.gpus, self.amp, self.report = jobs, gpus, amp, report
        self.commit, self.machine = describe_commit(), describe_machine()
        self.failed: list[PlannedRun] = []
        self._children: set[subprocess.Popen] = set()
        self._lock = threading.Lock()
        self._stopped = False

    def __call__(self, runs: Sequence[PlannedRun]) -> None:
        """Carry out what is not finished; runs that fail are in ``failed``.

        Raises:
            InputError: If a folder has a run of other settings.
        """
        todo = [run for run in runs if not is_finished(run, self.amp)]
        self.report(f'{len(runs)} runs, {len(runs) - len(todo)} of them finished before')
        queue = iter(todo)
        threads = [
            threading.Thread(target=self._work, args=(queue, slot)) for slot in range(self.jobs)
        ]
        for thread in threads:
            thread.start()
        try:
            with _raise_on_terminate():
                for thread in threads:
                    thread.join()
        except BaseException:  # Ctrl-C, too: whoever resumes later finds the last checkpoints
            self._stop()
            for thread in threads:
                thread.join()
            raise

    def _work(self, queue: Iterator[PlannedRun], slot: int) -> None:
        """Take runs from the queue until it is empty."""
        while True:
            with self._lock:
                run = None if self._stopped else next(queue, None)
            if run is None:
                return
            name = str(run.folder)
            self.report(f'begins  {name}')
            try:
                seconds = self._carry_out(run, slot)
            except (RunError, InputError, OSError) as error:
                if not self._stopped:
                    self.failed.append(run)
                    self.report(f'FAILED  {name}: {error}')
            else:
                self.report(f'ends    {name}, {seconds / 60:.1f} min')

    def _carry_out(self, run: PlannedRun, slot: int) -> float:
        """Train and test; returns the seconds of this attempt."""
        run.folder.mkdir(parents=True, exist_ok=True)
        start = time.monotonic()
        with _locked(run.folder) as lock:
            with self._attempt(run):
                self._call(train_command(run, self.amp), run, slot, lock)
            for name in CHECKPOINTS:
                self._test(name, run, slot, lock)
            record = read_record(run.folder)
            assert record is not None
            write_record(run.folder, {**record, 'finished': True})
        return time.monotonic() - start

    @contextmanager
    def _attempt(self, run: PlannedRun) -> Iterator[None]:
        """Note when, where and of which code an attempt to train is, and how long it took."""
        record = read_record(run.folder) or {**describe_run(run, self.amp), 'attempts': []}
        attempt: dict[str, Any] = {
            'started': datetime.now(timezone.utc).isoformat(timespec='seconds'),
            'commit': self.commit,
            'machine': self.machine,
            'jobs': self.jobs,
            'seconds': None,  # unknown if this process is killed
        }
        record['attempts'].append(attempt)
        write_record(run.folder, record)
        start = time.monotonic()
        try:
            yield
        finally:
            attempt['seconds'] = round(time.monotonic() - start, 1)
            write_record(run.folder, record)

    def _test(self, name: str, run: PlannedRun, slot: int, lock: int) -> None:
        """Write the scores of the last or of the best checkpoint."""
        scores = run.folder / f'{name}.pkl'
        checkpoint, epoch = find_checkpoint(run.folder, name)
        if name == 'best' and epoch == find_checkpoint(run.folder, 'last')[1]:
            shutil.copyfile(run.folder / 'last.pkl', scores)
            return
        self._call(
            [
                *('test.py', str(run.config), str(checkpoint), '--dump', str(scores)),
                *('--work-dir', str(run.folder / 'test'), '--cfg-options', *options_of_run(run)),
            ],
            run,
            slot,
            lock,
        )

    def _call(self, arguments: Sequence[str], run: PlannedRun, slot: int, lock: int) -> None:
        """Run a command of ``tools/``; its output is added to the run's."""
        environment = dict(os.environ)
        environment.setdefault('OMP_NUM_THREADS', str(max(1, num_cores() // self.jobs)))
        if self.gpus:
            environment['CUDA_VISIBLE_DEVICES'] = self.gpus[slot % len(self.gpus)]
        script, *rest = arguments
        path = run.folder / OUTPUT
        with path.open('ab') as output:
            with self._lock:
                if self._stopped:
                    raise RunError('stopped')
                child = subprocess.Popen(
                    [sys.executable, str(ROOT / 'tools' / script), *rest],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env=environment,
                    start_new_session=True,  # Ctrl-C reaches this process alone, which ends them
                    pass_fds=(lock,),  # held by the child as long as it lives
                )
                self._children.add(child)
            status = child.wait()
        with self._lock:
            self._children.discard(child)
        if status:
            raise RunError(f'{script} ended with status {status}, see {path}')

    def _stop(self) -> None:
        with self._lock:
            self._stopped = True
            for child in self._children:
                child.terminate()


@contextmanager
def _locked(folder: Path) -> Iterator[int]:
    """Hold a folder against other processes, and against children that outlived theirs.

    Yields:
        The open file of the lock.

    Raises:
        RunError: If another process holds it.
    """
    with (folder / 'lock').open('w') as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise RunError('another process is working in this folder') from error
        yield file.fileno()


@contextmanager
def _raise_on_terminate() -> Iterator[None]:
    """Let SIGTERM, which batch systems send, end the runs as Ctrl-C does."""

    def stop(number: int, frame: object) -> None:
        sys.exit(128 + number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
