"""The command ``csre-mm``: the scripts of ``tools/`` by name, and the list of shipped configs.

It lies outside the package csre_mm, whose import takes seconds: the help and the list need none of
it. The scripts import it first: until :func:`csre_mm.utils.cli.command` takes over, Ctrl-C ends
them with one line.
"""

import argparse
import ast
import fnmatch
import importlib.util
import os
import signal
import sys
import threading
from pathlib import Path
from types import ModuleType

FOLDERS = ('tools', 'tools/data', 'tools/analysis')
INTERNAL = ('write_results',)
"""Scripts that serve the repository only."""
TAKE_CONFIG = (
    *('train', 'test', 'predict', 'export-onnx', 'bank', 'cost', 'embedding'),
    'benchmark-runs',
)
"""Commands whose first argument is a config."""
EPILOG = """\
CONFIG of a command is a file or the name of a shipped config. Each command has its own --help.

examples:
  csre-mm list nwucla
  csre-mm train csre_ctrgcn_ntu60 --seed 0
"""


def load_project() -> ModuleType:
    """Import ``csre_mm/utils/project.py`` alone."""
    path = Path(__file__).resolve().parent / 'csre_mm/utils/project.py'
    spec = importlib.util.spec_from_file_location('csre_mm_project', path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PROJECT = load_project()


def find_scripts(root: Path) -> dict[str, Path]:
    """The scripts below ``root`` by the names of their commands."""
    return {
        path.stem.replace('_', '-'): path
        for folder in FOLDERS
        for path in sorted((root / folder).glob('*.py'))
        if path.stem not in INTERNAL
    }


def describe(script: Path) -> str:
    """The first line of a script's docstring."""
    docstring = ast.get_docstring(ast.parse(script.read_text(encoding='utf-8'))) or ''
    return docstring.partition('\n')[0]


def help_text(scripts: dict[str, Path]) -> str:
    """The commands with a line each."""
    lines = {'list': 'List the shipped configs.'}
    lines.update({name: describe(script) for name, script in scripts.items()})
    width = max(map(len, lines))
    commands = '\n'.join(f'  {name:{width}}  {line}' for name, line in lines.items())
    return f'usage: csre-mm COMMAND ...\n\ncommands:\n{commands}\n\n{EPILOG}'


def list_configs(arguments: list[str]) -> None:
    """Print the names of the shipped configs, those that hold a pattern."""
    parser = argparse.ArgumentParser('csre-mm list', description='List the shipped configs.')
    parser.add_argument('pattern', nargs='?', default='', help='part of the name, * and ? allowed')
    pattern = parser.parse_args(arguments).pattern
    names = PROJECT.config_names()
    found = fnmatch.filter(names, f'*{pattern}*')
    if not found:
        fail(
            'csre-mm list', f'no shipped config matches {pattern}{PROJECT.suggest(pattern, names)}'
        )
    say('\n'.join(found))


def run(name: str, script: Path, arguments: list[str]) -> None:
    """Run a script in this process, as Python would, under the name of its command.

    ``runpy.run_path`` puts the script's path into ``sys.argv``, so its messages would not begin
    with what the user has called.
    """
    sys.argv = [f'csre-mm {name}', *arguments]
    sys.path.insert(0, str(script.parent))
    module = ModuleType('__main__')
    module.__file__ = str(script)
    sys.modules['__main__'] = module
    exec(compile(script.read_bytes(), script, 'exec'), vars(module))


def check_config(program: str, command: str, arguments: list[str]) -> None:
    """Refuse what is no config before the seconds that PyTorch takes to import."""
    if command not in TAKE_CONFIG or not arguments or arguments[0].startswith('-'):
        return
    name = arguments[0]
    file = Path(name) if os.path.isfile(name) else PROJECT.locate_config(name)
    if file is None:
        fail(program, PROJECT.no_such_config(name))
    try:
        if file.suffix == '.py':
            ast.parse(file.read_bytes(), name)
    except (SyntaxError, ValueError, OSError) as error:
        reason = f'{type(error).__name__}: {error}'
        fail(program, f'{name} cannot be read as a config: {reason}')


def say(text: str) -> None:
    """Print, or end as the commands do where nothing can be written, as on a full disk."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        fail('csre-mm', f'{error.strerror}: the standard output')


def fail(program: str, message: str) -> None:
    """End as the commands do on a bad input."""
    sys.stderr.write(f'{program}: error: {message}\n')
    sys.exit(2)


def end_on_interrupt(number: int, frame: object) -> None:
    """End the process: an exception would be lost, or printed, in the imports of other packages."""
    os.write(2, f'\n{os.path.basename(sys.argv[0])}: interrupted\n'.encode())
    os._exit(130)


def expect_interrupt() -> None:
    """Let Ctrl-C end the process with one line, unless it is ignored or handled by somebody."""
    main_thread = threading.current_thread() is threading.main_thread()
    if main_thread and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, end_on_interrupt)


def main() -> None:
    """Carry out the command line."""
    expect_interrupt()
    try:
        dispatch()
    except BrokenPipeError:  # the reader of a pipe has seen enough, as in `csre-mm list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)  # as a command that the signal ends


def dispatch() -> None:
    """Find the command and run it."""
    scripts = find_scripts(PROJECT.ROOT)
    name, *arguments = sys.argv[1:] or ['--help']
    if name in scripts:
        check_config(f'csre-mm {name}', name, arguments)
        run(name, scripts[name], arguments)
    elif name == 'list':
        list_configs(arguments)
    elif name in ('-h', '--help'):
        say(help_text(scripts).rstrip())
    else:
        near = PROJECT.suggest(name, ['list', *scripts])
        fail('csre-mm', f'no such command: {name}{near or ", csre-mm --help lists them"}')


def prepare_script() -> None:
    """What a script of ``tools`` that is run by itself needs before its other imports."""
    file = getattr(sys.modules['__main__'], '__file__', None)
    if file and Path(file).resolve().is_relative_to(PROJECT.ROOT / 'tools'):
        expect_interrupt()
        script = Path(file)
        check_config(script.name, script.stem.replace('_', '-'), sys.argv[1:])


prepare_script()
