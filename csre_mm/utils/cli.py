"""The frame of every command in ``tools/``: one clear line and exit status 2 for a bad input."""

import argparse
import functools
import json
import os
import signal
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

from csre_mm.utils.config_text import ConfigOptions
from csre_mm.utils.errors import TRACEBACK_VARIABLE, InputError, printable
from csre_mm.utils.files import atomic_path


def _one_line(error: BaseException) -> str:
    """The message of ``error``, which worker processes of data loaders put behind a traceback."""
    if isinstance(error, OSError) and error.strerror:
        name = f': {error.filename}' if error.filename else ''
        return f'{error.strerror}{name}'
    lines = [line for line in str(error).splitlines() if line.strip()]
    message = lines[-1] if lines else type(error).__name__
    prefix = f'{InputError.__module__}.{InputError.__qualname__}: '
    return printable(message.removeprefix(prefix))


def _interrupted(error: BaseException | None) -> bool:
    """Whether Ctrl-C caused an error; torch raises another one when a save is interrupted."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def command(main: Callable[[], None]) -> Callable[[], None]:
    """Decorate the ``main`` of a command.

    :class:`InputError` and ``OSError`` (no such file, a folder in place of a file, no permission)
    become one line on stderr and exit status 2; Ctrl-C becomes one line and status 130. Any other
    exception is a defect and keeps its traceback.
    """

    @functools.wraps(main)
    def wrapper() -> None:
        name = os.path.basename(sys.argv[0])
        try:
            if getattr(signal.getsignal(signal.SIGINT), '__module__', None) == 'csre_mm_cli':
                signal.signal(signal.SIGINT, signal.default_int_handler)
            main()
        except BrokenPipeError:  # the reader of a pipe has ended, as in `command | head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(141)  # as after the signal SIGPIPE
        except (InputError, OSError) as error:
            if os.environ.get(TRACEBACK_VARIABLE) == '1':
                raise
            sys.stderr.write(f'{name}: error: {_one_line(error)}\n')
            sys.exit(2)
        except BaseException as error:
            if not _interrupted(error):
                raise
            sys.stderr.write(f'\n{name}: interrupted\n')
            sys.exit(130)

    return wrapper


def add_config_options(parser: argparse.ArgumentParser, text: str) -> None:
    """Add ``--cfg-options``, described by ``text``."""
    parser.add_argument(
        '--cfg-options', nargs='+', action=ConfigOptions, metavar='KEY=VALUE', help=text
    )


def add_class_names(parser: argparse.ArgumentParser, default: str = 'the labels') -> None:
    """Add ``--classes``, for :func:`csre_mm.datasets.class_names.find_class_names`."""
    parser.add_argument(
        '--classes',
        metavar='NAMES',
        help='names of the classes: ntu60, ntu120, nwucla, utd_mhad, synthetic, a text file with a '
        f'name per line, or a config that names them (default: {default})',
    )


def add_runner_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of both training and testing, as mmaction2 names them."""
    parser.add_argument('--work-dir', help='folder of logs and checkpoints')
    add_config_options(
        parser, 'change the config: model.neck.loss.temperature=0.5, a list as key="[1,2]"'
    )
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='how several processes were started; pytorch is torchrun',
    )
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0, help=argparse.SUPPRESS)


def name_files(arguments: Sequence[str], kind: str, metavar: str = 'FILE') -> dict[str, str]:
    """The files or folders of ``[NAME=]FILE`` arguments by name; messages call one a ``kind``."""
    files: dict[str, str] = {}
    for argument in arguments:
        name, separator, file = argument.partition('=')
        if not separator or '/' in name or os.path.exists(argument):
            path, file = Path(argument).resolve(), argument
            name = path.name if path.is_dir() else path.stem
        if not name or not file:
            raise InputError(f'{argument}: expected {metavar} or NAME={metavar}')
        if name in files:
            hint = f'use NAME={metavar}'
            raise InputError(f'{argument}: there already is a {kind} named {name}, {hint}')
        files[name] = file
    return files


def check_suffix(option: str, path: str | os.PathLike | None, suffix: str) -> None:
    """Insist on the suffix of a file to write; None is no file."""
    if path is not None and Path(path).suffix.lower() != suffix:
        raise InputError(f'{option} {path}: the name must end in {suffix}')


def write_json(path: str | os.PathLike, content: Any) -> None:
    """Write numbers and say so."""
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + '\n', encoding='utf-8')
    sys.stdout.write(f'The numbers are in {path}.\n')


def progress(steps: Iterable, what: str) -> Iterable:
    """A bar on stderr, in a terminal only."""
    console = Console(stderr=True)
    hidden = not console.is_terminal
    return track(steps, what, console=console, transient=True, disable=hidden)
