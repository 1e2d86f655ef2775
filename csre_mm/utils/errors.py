"""The exception for a wrong input, as opposed to a defect in the code, and text for messages."""

import re

# Control characters, line separators, changes of direction, surrogates and what XML forbids.
CONTROL = re.compile('[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]')


class InputError(ValueError):
    """A config, file or argument of the user's that cannot be used.

    The message is a single line that names what was found, what was expected and the config key or
    file to change. Commands print it without a traceback and exit with status 2
    (:func:`csre_mm.utils.cli.command`).
    """


def printable(text: str) -> str:
    """The text with escapes in place of what would act on a terminal, or spoil an SVG."""
    return CONTROL.sub(lambda match: repr(match[0])[1:-1], text)


def one_line(error: BaseException, length: int = 200) -> str:
    """The message of an error as the reason in another one: on one line, cut to a length."""
    return printable(' '.join(str(error).split()))[:length]
