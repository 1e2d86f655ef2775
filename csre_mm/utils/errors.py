"""The exception for a wrong input, as opposed to a defect in the code, and text for messages."""

import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Control characters, line separators, changes of direction, surrogates and what XML forbids.
CONTROL = re.compile('[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]')

TRACEBACK_VARIABLE = 'CSRE_MM_TRACEBACK'
"""Set to 1 to see where an error that a command prints as one line was raised."""


class InputError(ValueError):
    """A config, file or argument of the user's that cannot be used.

    The message is one line: what was found, what was expected, and the config key or file to
    change. Commands print it and exit with status 2 (:func:`csre_mm.utils.cli.command`).
    """


def printable(text: str) -> str:
    """The text with escapes in place of what would act on a terminal, or spoil an SVG."""
    return CONTROL.sub(lambda match: repr(match[0])[1:-1], text)


def one_line(error: BaseException, length: int = 200) -> str:
    """The message of an error as the reason in another one: on one line, cut to a length.

    Of an error without a message, as a bare ``assert`` raises it, the source line that raised it;
    of one in a worker of a data loader, where torch puts a traceback in front, what it was there.
    """
    text = str(error.args[0] if isinstance(error, KeyError) and error.args else error)
    _, in_worker, trace = text.rpartition('Traceback (most recent call last):\n')
    if in_worker:
        lines = trace.splitlines()
        end = next((i for i, line in enumerate(lines) if line[:1] not in ('', ' ')), len(lines))
        text = '\n'.join(lines[end:]).partition(':')[2]  # behind the type
        source = [line.strip() for line in lines[:end] if line.strip(' ~^')]
        if not text.strip() and source:
            text = source[-1]
    elif not text.strip():
        frames = traceback.extract_tb(error.__traceback__)
        text = f'{frames[-1].line} ({Path(frames[-1].filename).name})' if frames else ''
    return ' '.join(text.split())[:length]


@contextmanager
def as_input_error(what: str) -> Iterator[None]:
    """Turn any exception of a block that carries out settings into an ``InputError``.

    Configs are code, and what they build is anybody's: no list of exceptions is complete.
    ``OSError`` stays, because it names its file. The message begins with ``what`` has failed.
    """
    try:
        yield
    except (InputError, OSError):
        raise
    except Exception as error:
        reason = f'{_being_built(error)}{type(error).__name__}: {one_line(error, 400)}'
        raise InputError(f'{what}: {reason} ({TRACEBACK_VARIABLE}=1 shows where)') from error


def _being_built(error: BaseException) -> str:
    """What of a config mmengine was building when an error came up: a type, or a key."""
    names = []
    for frame, _ in traceback.walk_tb(error.__traceback__):
        function = frame.f_code.co_name
        if function == 'build_from_cfg':
            names.append(frame.f_locals.get('obj_type'))
        elif function.startswith('build_') and function != 'build_func':
            names.append(function.removeprefix('build_'))
    return f'{names[-1]}: ' if names and names[-1] else ''
