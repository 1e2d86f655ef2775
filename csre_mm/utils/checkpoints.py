"""Finding checkpoints."""

import os
import re
from pathlib import Path


def newest_checkpoint(folder: str | os.PathLike) -> Path | None:
    """The checkpoint that a run in this folder resumes from.

    mmengine writes its path to ``last_checkpoint``. A run that was killed while it did leaves that
    file empty, and a folder that was moved leaves a path to nowhere; then it is the ``epoch_*.pth``
    or ``iter_*.pth`` of the highest number.

    Args:
        folder: The working folder of the run; it need not exist.
    """
    folder = Path(folder)
    pointer = folder / 'last_checkpoint'
    if pointer.is_file():
        path = Path(pointer.read_text().strip())
        if path.is_file():
            return path
    numbered = {
        int(match[1]): path
        for path in folder.glob('*.pth')
        if (match := re.fullmatch(r'(?:epoch|iter)_(\d+)\.pth', path.name))
    }
    return numbered[max(numbered)] if numbered else None
