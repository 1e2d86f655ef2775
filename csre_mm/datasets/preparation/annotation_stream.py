"""Writing an annotation pickle piece by piece, so that it need not be in memory at once.

The file is what ``pickle.dump(data, file, protocol=5)`` would give for the whole, but for strings,
which are written out each time they occur. A pickle is a program for a machine with a stack, and
ends with the instruction STOP. With another instruction in its place, the pickle of a value becomes
a piece of a larger one: APPEND puts the value into the list below it on the stack.
"""

import io
import pickle
from collections.abc import Iterable
from typing import Any, BinaryIO

PROTOCOL = 5
_PROTO = pickle.PROTO + bytes([PROTOCOL])


def encode_annotation(annotation: dict[str, Any]) -> bytes:
    """The piece of an annotation, for :func:`write_stream`."""
    return _piece(annotation, pickle.APPEND)


def write_stream(
    file: BinaryIO, split: dict[str, list[str]], pieces: Iterable[bytes | memoryview]
) -> None:
    """Write ``{'split': split, 'annotations': [...]}``.

    Args:
        file: Open for writing, in binary.
        split: The names of the samples of each split.
        pieces: Of the annotations, in their order, one or more at a time.
    """
    file.write(_PROTO + pickle.EMPTY_DICT)
    file.write(_key('split') + _piece(split, pickle.SETITEM))
    file.write(_key('annotations') + pickle.EMPTY_LIST)
    for piece in pieces:
        file.write(piece)
    file.write(pickle.SETITEM + pickle.STOP)


def _key(name: str) -> bytes:
    data = name.encode('ascii')
    return pickle.SHORT_BINUNICODE + bytes([len(data)]) + data


def _piece(value: Any, instruction: bytes) -> bytes:
    """The pickle of a value with another instruction, of one byte too, in the place of STOP."""
    buffer = io.BytesIO()
    pickler = pickle.Pickler(buffer, PROTOCOL)
    # No memo: its numbers would be those of other pieces.
    pickler.fast = True
    pickler.dump(value)
    return buffer.getvalue()[len(_PROTO) : -len(pickle.STOP)] + instruction
