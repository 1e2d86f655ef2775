"""The machine, its memory, the version of PyTorch and the commit of the code."""

import ctypes
import os
import platform
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import torch

from csre_mm.utils.project import ROOT

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of mallopt(3)


def keep_freed_memory() -> bool:
    """Let the process keep the memory of freed tensors for later tensors; whether it took effect.

    glibc hands every large block back to the kernel and gets it anew, page by page and zeroed,
    which was measured to cost up to as much as a training step itself. The peak stays the same.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    return bool(mallopt(_MMAP_THRESHOLD, 1 << 30) and mallopt(_TRIM_THRESHOLD, (1 << 31) - 1))


def return_freed_memory() -> None:
    """Hand freed memory back to the system; without glibc nothing happens.

    By itself glibc returns the top of its heap only, and keeps what was freed below.
    """
    with suppress(AttributeError, OSError, TypeError):  # TypeError: Windows
        ctypes.CDLL(None).malloc_trim(0)


def describe_machine() -> str:
    """The processor with the number of cores that this process may use, and the GPU if any."""
    parts = [f'{_processor()}, {num_cores()} cores']
    if torch.cuda.is_available():
        parts.append(torch.cuda.get_device_name())
    return ', '.join([*parts, f'torch {torch.__version__}'])


def num_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, 'sched_getaffinity'):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class OtherLoad:
    """How many of this process's cores other processes keep busy, between two calls.

    Workers of data loaders are other processes. Without ``/proc/stat`` (not Linux) it is 0.
    """

    def __init__(self, stat: Path = Path('/proc/stat')) -> None:
        self._stat = stat
        self._last = self._read()

    def _read(self) -> tuple[float, float, float]:
        """Seconds: of the clock, busy on the cores, and of this process."""
        busy, own = 0.0, os.times()
        if self._stat.exists():
            cores = {f'cpu{core}' for core in os.sched_getaffinity(0)}
            for line in self._stat.read_text(encoding='ascii').splitlines():
                name, *ticks = line.split()
                if name in cores:  # user nice system idle iowait irq softirq
                    busy += sum(map(int, [*ticks[:3], *ticks[5:7]])) / os.sysconf('SC_CLK_TCK')
        return time.monotonic(), busy, own.user + own.system

    def __call__(self) -> float:
        """Measure, and begin anew."""
        before, self._last = self._last, self._read()
        elapsed, busy, own = (now - then for now, then in zip(self._last, before, strict=True))
        return max(0.0, busy - own) / elapsed if elapsed > 0 else 0.0


def describe_commit() -> str | None:
    """The commit of the code that runs, with ``-dirty`` if tracked code differs; None if unknown.

    A repository around the code, such as one that contains site-packages, is another project's.
    """
    if _git('rev-parse', '--show-cdup') != '':  # the way up to the top of the repository
        return None
    commit = _git('rev-parse', '--short=10', 'HEAD')
    if commit is None:
        return None
    changed = _git('status', '--porcelain', '--untracked-files=no', 'csre_mm', 'configs', 'tools')
    return f'{commit}-dirty' if changed else commit


def _git(*arguments: str) -> str | None:
    try:
        result = subprocess.run(
            ['git', *arguments], cwd=ROOT, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return result.stdout.strip()


def _processor() -> str:
    try:
        lines = Path('/proc/cpuinfo').read_text(encoding='utf-8').splitlines()
    except OSError:
        lines = []
    names = [line.partition(':')[2].strip() for line in lines if line.startswith('model name')]
    return names[0] if names else platform.processor() or platform.machine()
