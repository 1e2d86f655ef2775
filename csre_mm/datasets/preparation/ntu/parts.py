"""What is converted so far: parts on disk, each with the samples of some raw files.

A part is named by a digest of all that it depends on, so that a later run knows what it can take
over. It holds text about each file and the pieces of the annotation pickle (``annotation_stream``):
to put the pickle together is to copy bytes.
"""

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from csre_mm.datasets.preparation.raw_files import RawFile
from csre_mm.utils.files import atomic_path
from csre_mm.version import __version__

_MAGIC = b'csre_mm part 1\n'
_DIGEST_SIZE = hashlib.sha256().digest_size
_LENGTH_SIZE = 8
SUFFIX = '.part'


@dataclass(frozen=True)
class Outcome:
    """What became of one raw file.

    Args:
        name: The sample's name.
        reason: Why there is no sample, one of ``rejection.REASONS``, or None.
        message: The same with the file and the line, or empty.
        num_persons: Actors in the sample.
        num_frames: Frames in the sample.
        notes: What was met in the file, with a number for each.
    """

    name: str
    reason: str | None = None
    message: str = ''
    num_persons: int = 0
    num_frames: int = 0
    notes: dict[str, int] = field(default_factory=dict)


def name_part(files: Sequence[RawFile], cleaning: str) -> str:
    """The file name of the part with these raw files: another for another content or treatment."""
    identity = [__version__, cleaning, [[str(file), file.size, file.stamp] for file in files]]
    return hashlib.sha256(_MAGIC + json.dumps(identity).encode()).hexdigest()[:32] + SUFFIX


def write_part(path: Path, outcomes: Sequence[Outcome], pieces: bytes) -> None:
    """Write a part, whole or not at all.

    Args:
        path: Where to.
        outcomes: One for each raw file.
        pieces: The annotations of those that gave a sample, in the same order.
    """
    head = json.dumps([dataclasses.asdict(outcome) for outcome in outcomes]).encode()
    content = len(head).to_bytes(_LENGTH_SIZE, 'little') + head + pieces
    with atomic_path(path) as temporary, open(temporary, 'wb') as file:
        file.write(_MAGIC + hashlib.sha256(content).digest())
        file.write(content)


def read_part(path: Path) -> tuple[list[Outcome], memoryview] | None:
    """Read what :func:`write_part` wrote.

    Returns:
        The outcomes and the pieces, or None if there is no such file or it is damaged.
    """
    try:
        data = memoryview(path.read_bytes())
    except OSError:
        return None
    start = len(_MAGIC) + _DIGEST_SIZE
    content = data[start:]
    if data[:start] != _MAGIC + hashlib.sha256(content).digest():
        return None
    length = int.from_bytes(content[:_LENGTH_SIZE], 'little')
    head, pieces = content[_LENGTH_SIZE:][:length], content[_LENGTH_SIZE + length :]
    return [Outcome(**outcome) for outcome in json.loads(bytes(head))], pieces


def remove_parts(folder: Path) -> None:
    """Remove all parts, unfinished ones too, and the folder if nothing else is in it."""
    for pattern in (f'*{SUFFIX}', f'.*{SUFFIX}'):
        for path in folder.glob(pattern):
            path.unlink(missing_ok=True)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
