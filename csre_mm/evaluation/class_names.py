"""Names of classes for tables and figures."""

import os

from csre_mm.datasets.class_names import CLASS_NAMES as KNOWN_NAMES
from csre_mm.datasets.synthetic import CLASS_NAMES
from csre_mm.utils.errors import InputError
from csre_mm.utils.text import read_lines


def class_names(
    path: str | os.PathLike | None, num_classes: int, synthetic: bool = False
) -> list[str]:
    """Name the classes that there are scores of.

    Args:
        path: A file of one name a line, or a key of
            :data:`csre_mm.datasets.class_names.CLASS_NAMES`, given by ``--classes``.
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
    known = KNOWN_NAMES.get(str(path))
    names = read_lines(path, '--classes') if known is None else list(known)
    if len(names) < num_classes:
        raise InputError(
            f'--classes {path} has {len(names)} names, the scores have {num_classes} classes'
        )
    return names[:num_classes]
