"""Carrying out planned runs: several at once, what was interrupted is resumed."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any

from csre_mm.experiments.plan import Experiment, PlannedRun
from csre_mm.experiments.record import (
    CHECKPOINTS,
    describe_run,
    find_checkpoint,
    is_finished,
    read_record,
    test_command,
    train_command,
    write_record,
)
from csre_mm.utils.errors import InputError
from csre_mm.utils.machine import describe_commit, describe_machine, num_cores
from csre_mm.utils.project import ROOT

with suppress(ImportError):  # Windows has none
    import fcntl

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
        self.jobs, self.amp, self.report = jobs, amp, report
        self.commit, self.machine = describe_commit(), describe_machine()
        self.failed: list[PlannedRun] = []
        self._gpus = [gpus[slot % len(gpus)] for slot in range(jobs)] if gpus else []
        self._children: set[subprocess.Popen] = set()
        self._lock = threading.Lock()
        self._stopped = False

    def __call__(self, runs: Sequence[PlannedRun], done: Set[Experiment] = frozenset()) -> None:
        """Carry out what is not finished; runs that fail are in ``failed``.

        Args:
            runs: The runs, in the order in which they begin.
            done: Experiments whose runs are finished whatever their folders say.

        Raises:
            InputError: If a folder has a run of other settings.
        """
        todo = [
            run for run in runs if run.experiment not in done and not is_finished(run, self.amp)
        ]
        self.report(f'{len(runs)} runs, {len(runs) - len(todo)} of them finished before')
        with _raise_on_terminate(), ThreadPoolExecutor(self.jobs) as pool:
            try:
                for future in [pool.submit(self._work, run) for run in todo]:
                    future.result()
            except BaseException:  # Ctrl-C, too: whoever resumes later finds the last checkpoints
                self._stop()
                raise

    def _work(self, run: PlannedRun) -> None:
        """Train and test, and report it."""
        if self._stopped:
            return
        gpu = self._gpus.pop() if self._gpus else None
        start = time.monotonic()
        self.report(f'begins  {run.folder}')
        try:
            self._carry_out(run, gpu)
            self.report(f'ends    {run.folder}, {(time.monotonic() - start) / 60:.1f} min')
        except (InputError, OSError) as error:
            if not self._stopped:
                self.failed.append(run)
                self.report(f'FAILED  {run.folder}: {error}')
        finally:
            if gpu is not None:
                self._gpus.append(gpu)

    def _carry_out(self, run: PlannedRun, gpu: str | None) -> None:
        run.folder.mkdir(parents=True, exist_ok=True)
        with _locked(run.folder) as lock:
            call = partial(self._call, run.folder, gpu, lock)
            with self._attempt(run):
                call(train_command(run, self.amp))
            for name in CHECKPOINTS:
                scores = run.folder / f'{name}.pkl'
                checkpoint, epoch = find_checkpoint(run.folder, name)
                if name == 'best' and epoch == find_checkpoint(run.folder, 'last')[1]:
                    shutil.copyfile(run.folder / 'last.pkl', scores)
                else:
                    call(test_command(run, checkpoint, scores))
            record = read_record(run.folder)
            assert record is not None
            write_record(run.folder, {**record, 'finished': True})

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

    def _call(self, folder: Path, gpu: str | None, lock: int, arguments: Sequence[str]) -> None:
        """Run a command of ``tools/``; its output is added to the run's."""
        environment = dict(os.environ)
        environment.setdefault('OMP_NUM_THREADS', str(max(1, num_cores() // self.jobs)))
        if gpu is not None:
            environment['CUDA_VISIBLE_DEVICES'] = gpu
        script, *rest = arguments
        path = folder / OUTPUT
        with path.open('ab') as output:
            with self._lock:
                if self._stopped:
                    raise InputError('stopped')
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
            raise InputError(f'{script} ended with status {status}, see {path}')

    def _stop(self) -> None:
        with self._lock:
            self._stopped = True
            for child in self._children:
                child.terminate()
                if hasattr(signal, 'SIGCONT'):  # one that was stopped ends when it goes on
                    child.send_signal(signal.SIGCONT)


@contextmanager
def _locked(folder: Path) -> Iterator[int]:
    """Hold a folder against other processes, and against children that outlived theirs."""
    with (folder / 'lock').open('w') as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError('another process is working in this folder') from error
        except (OSError, NameError):  # a file system without locks, or Windows
            pass
        yield file.fileno()


@contextmanager
def _raise_on_terminate() -> Iterator[None]:
    """Let SIGTERM, which batch systems send, and SIGHUP end the runs as Ctrl-C does."""

    def stop(number: int, frame: object) -> None:
        sys.exit(128 + number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    found = (getattr(signal, name, None) for name in ('SIGTERM', 'SIGHUP'))  # not on Windows
    before = {number: signal.getsignal(number) for number in found if number is not None}
    ours = [number for number, handler in before.items() if handler != signal.SIG_IGN]  # by nohup
    for number in ours:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, before[number])
