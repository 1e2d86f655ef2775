"""Reading text files, and writing files as a whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from csre_mm.utils.errors import InputError


def read_lines(path: str | os.PathLike, option: str) -> list[str]:
    """Read a text file with one name per line.

    Args:
        path: The file, in UTF-8.
        option: The name of the option that gave it, for messages.

    Raises:
        InputError: If there is no such file, it is no text, or a line before the last is empty.
    """
    source = f'{option} {path}'
    try:
        text = Path(path).read_text(encoding='utf-8-sig')
    except FileNotFoundError as error:
        raise InputError(f'{source}: no such file') from error
    except UnicodeDecodeError as error:
        raise InputError(f'{source} is not a text file in UTF-8') from error
    names = [line.strip() for line in text.rstrip().splitlines()]
    if '' in names:
        raise InputError(f'{source}: line {names.index("") + 1} is empty, expected a name')
    return names


@contextmanager
def atomic_path(target: str | os.PathLike) -> Iterator[Path]:
    """Give a temporary path next to ``target`` that replaces it when the block ends well.

    Missing parent folders are made. When the block raises, ``target`` stays unchanged and the
    temporary file is removed.

    Args:
        target: The file to write.

    Yields:
        The temporary path to write to, with the suffix of ``target``.
    """
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(
        dir=target.parent, prefix=f'.{target.stem}.', suffix=target.suffix
    )
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
