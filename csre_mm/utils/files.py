"""Reading text files of bounded size, and writing files as a whole or not at all."""

import errno
import functools
import json
import os
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from csre_mm.utils.errors import InputError, one_line

with suppress(ImportError):  # Windows has none
    import fcntl

_TEMPORARY = re.compile(r'\.csre_mm\..*\.[a-z0-9_]{8}(\.[^.]*)?')
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS)
_DAY = 86_400
"""Seconds after which a temporary file without a lock belongs to nobody."""
LARGEST_TEXT = 1 << 26
"""Bytes of a text file that is read; what is made of JSON takes some twenty times as much."""


def read_text(
    path: str | os.PathLike, source: str | None = None, largest: int = LARGEST_TEXT
) -> str:
    """Read a text file in UTF-8 of at most ``largest`` bytes; messages call it ``source``."""
    source = source or str(path)
    try:
        with open(path, 'rb') as file:
            data = file.read(largest + 1)
        if len(data) > largest:
            raise InputError(f'{source}: is larger than {largest:,} bytes')
        return data.decode('utf-8-sig')
    except FileNotFoundError as error:
        raise InputError(f'{source}: no such file') from error
    except OSError as error:
        raise InputError(f'{source}: cannot be read: {error.strerror or error}') from error
    except UnicodeDecodeError as error:
        raise InputError(f'{source} is not a text file in UTF-8') from error


def read_lines(path: str | os.PathLike, option: str) -> list[str]:
    """Read a file with one name per line; ``option`` is what gave it, for messages."""
    source = f'{option} {path}'
    text = read_text(path, source)
    names = [line.strip() for line in text.rstrip().splitlines()]
    if '' in names:
        raise InputError(f'{source}: line {names.index("") + 1} is empty, expected a name')
    return names


def load_json(path: str | os.PathLike) -> Any:
    """Read a JSON file; what is none is an ``InputError``."""
    try:
        return json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f'{path} is no JSON, or damaged: {one_line(error)}') from error


@contextmanager
def atomic_path(target: str | os.PathLike) -> Iterator[Path]:
    """Give a temporary path next to ``target`` that replaces it when the block ends well.

    Missing parent folders are made, the suffix and the permissions of a file that is replaced are
    kept, and a symbolic link stays one. When the block raises, ``target`` stays unchanged; an
    ``OSError`` names it. What killed processes left in the folder is cleared, once in a process.
    """
    named, target = target, Path(os.path.realpath(target))
    temporary = handle = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _clear_once(target.parent)
        handle, name = tempfile.mkstemp(
            dir=target.parent, prefix=f'.csre_mm.{target.stem}.', suffix=target.suffix
        )
        temporary = Path(name)
        if _locked(handle) is None:  # Windows replaces no open file
            os.close(handle)
            handle = None
        yield temporary
        temporary.chmod(_mode(target))
        os.replace(temporary, target)
    except OSError as error:
        if error.errno is None or error.filename not in (None, str(temporary)):
            raise
        raise OSError(error.errno, os.strerror(error.errno), os.fspath(named)) from error
    except RuntimeError as error:
        if 'PytorchStreamWriter' not in str(error):  # how torch.save says it
            raise
        raise OSError(errno.EIO, 'cannot be written, is the disk full?', str(named)) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        if handle is not None:
            os.close(handle)


def clear_temporaries(folder: str | os.PathLike) -> None:
    """Remove the temporary files of :func:`atomic_path` whose process has ended.

    A process holds a lock on its file, which ends with it, however it ends. Where a file system has
    no locks, a file belongs to nobody after a day.
    """
    for path in Path(folder).iterdir():
        if _TEMPORARY.fullmatch(path.name):
            with suppress(OSError):  # it is gone, or not ours
                if _is_left(path):
                    path.unlink()


_clear_once = functools.cache(clear_temporaries)


def _is_left(path: Path) -> bool:
    """Whether the process that wrote a temporary file has ended."""
    age = time.time() - path.stat().st_mtime
    with path.open('rb') as file:
        free = _locked(file.fileno())
    if free is None:
        return age > _DAY
    # An empty one may have been made just now, and not been locked yet.
    return free and (path.stat().st_size > 0 or age > _DAY)


def _locked(handle: int) -> bool | None:
    """Lock a file; False if another process has, None if there are no locks."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except (OSError, NameError):
        return None
    return True


@contextmanager
def naming(path: str | os.PathLike) -> Iterator[None]:
    """Name a file or folder in the error of a write that names none, as one of a full disk."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL or error.filename is not None:
            raise
        raise OSError(error.errno, os.strerror(error.errno), os.fspath(path)) from error


def _mode(target: Path) -> int:
    if target.exists():
        return target.stat().st_mode & 0o7777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
