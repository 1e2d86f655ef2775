"""Names of classes for tables and figures."""

import os
from pathlib import Path

from csre_mm.datasets.synthetic import CLASS_NAMES
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


def class_names(
    path: str | os.PathLike | None, num_classes: int, synthetic: bool = False
) -> list[str]:
    """Name the classes that there are scores of.

    Args:
        path: A file of one name a line, given by ``--classes``.
        num_classes: C.
        synthetic: Whether they are those of ``tools/data/make_synthetic.py``; the demo's classifier
            has more classes than there are.

    Returns:
        C names; the numbers of the classes if nothing is given.

    Raises:
        InputError: If the file cannot be read, or has too few names.
    """
    if synthetic:
        rest = range(len(CLASS_NAMES), num_classes)
        return [*CLASS_NAMES, *(f'class {label}' for label in rest)][:num_classes]
    if path is None:
        return [str(label) for label in range(num_classes)]
    names = read_lines(path, '--classes')
    if len(names) < num_classes:
        raise InputError(
            f'--classes {path} has {len(names)} names, the scores have {num_classes} classes'
        )
    return names[:num_classes]
