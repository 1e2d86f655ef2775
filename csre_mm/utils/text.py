"""Text files of one entry a line."""

import os
from pathlib import Path

from csre_mm.utils.errors import InputError


def read_lines(path: str | os.PathLike, option: str) -> list[str]:
    """Read a text file of one name a line.

    Args:
        path: The file, in UTF-8.
        option: The option that gave it, for messages.

    Raises:
        InputError: If there is no such file, it is no text, or a line but the last ones is empty.
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
