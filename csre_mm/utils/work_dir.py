"""The working folder of a training: one training at a time, and nothing left of killed ones."""

import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from csre_mm.utils.errors import InputError
from csre_mm.utils.files import clear_temporaries, naming

with suppress(ImportError):  # Windows has none, and no lock then
    import fcntl

LOCK = '.lock'
"""The file that a training holds in its working folder."""
_RANKS = ('RANK', 'SLURM_PROCID', 'OMPI_COMM_WORLD_RANK')


def is_first_process() -> bool:
    """Whether this process is the first of its training, before the processes are connected."""
    return next((os.environ[name] for name in _RANKS if name in os.environ), '0') == '0'


@contextmanager
def held(folder: str | os.PathLike) -> Iterator[None]:
    """Hold a working folder against other trainings, and clear what killed ones left half-written.

    The lock ends with the process, however it ends. A file system without locks has none.

    Args:
        folder: The working folder; it is made.

    Raises:
        InputError: If another process trains in it.
    """
    Path(folder).mkdir(parents=True, exist_ok=True)
    with Path(folder, LOCK).open('a+') as file:
        try:
            # A lock of the process, which the workers of its data loaders do not inherit.
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError) as error:
            file.seek(0)
            raise InputError(
                f'{folder}: {file.read().strip() or "another process"} is training in this folder: '
                'wait for it, or name another one with --work-dir'
            ) from error
        except (OSError, NameError):
            pass
        with naming(folder):
            file.truncate(0)
            file.write(f'process {os.getpid()} on {socket.gethostname()}')
            file.flush()
        clear_temporaries(folder)
        yield


def tracked_before(folder: str | os.PathLike) -> str | None:
    """The identifier of the run that Weights & Biases has of a folder, the newest."""
    runs = Path(folder).glob('*/vis_data/wandb/*run-*')
    found = sorted(
        match.groups()
        for path in runs
        if (match := re.fullmatch(r'(?:offline-)?run-(\d{8}_\d{6})-(.+)', path.name))
    )
    return found[-1][1] if found else None
