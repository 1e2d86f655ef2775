"""The exception for a wrong input, as opposed to a defect in the code."""


class InputError(ValueError):
    """A config, file or argument of the user's that cannot be used.

    The message is a single line that names what was found, what was expected and the config key or
    file to change. Commands print it without a traceback and exit with status 2
    (:func:`csre_mm.utils.cli.command`).
    """


def one_line(error: BaseException, length: int = 200) -> str:
    """The message of an error as the reason in another one: on one line, cut to a length."""
    return ' '.join(str(error).split())[:length]
