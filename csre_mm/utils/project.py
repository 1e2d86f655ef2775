"""The configs and commands of csre_mm: in a clone, or in the installed package.

``csre_mm_cli`` loads this file without the package, whose import takes seconds, so nothing of
csre_mm may be imported at its top.
"""

import difflib
import os
from collections.abc import Sequence
from pathlib import Path


def find_root() -> Path:
    """The folder of ``configs`` and ``tools``: the clone, or ``csre_mm/.mim`` of a wheel."""
    package = Path(__file__).resolve().parents[1]
    clone = package.parent
    # Other packages may have put folders of these names into site-packages.
    is_clone = (clone / 'setup.py').is_file() and (clone / 'tools/train.py').is_file()
    return clone if is_clone else package / '.mim'


ROOT = find_root()


def call_of(script: str) -> list[str]:
    """The command line of a script of ``tools``: from the root of a clone, or ``csre-mm NAME``."""
    if ROOT.name == '.mim':
        return ['csre-mm', Path(script).stem.replace('_', '-')]
    return ['python', f'tools/{script}']


def config_names() -> list[str]:
    """Names of the shipped configs, without ``.py``."""
    return sorted(path.stem for path in (ROOT / 'configs').glob('*.py'))


def suggest(name: str, names: Sequence[str]) -> str:
    """The end of a message on an unknown name: similar ones of ``names``, if any."""
    near = difflib.get_close_matches(name, names)
    return f', did you mean {" or ".join(near)}?' if near else ''


def locate_config(name: str | os.PathLike) -> Path | None:
    """The file of a shipped config; None if there is none of that name."""
    folder = (ROOT / 'configs').resolve()
    path = os.path.realpath(folder / os.fspath(name).removeprefix('configs/'))
    files = (Path(path), Path(f'{path}.py'))
    inside = (file for file in files if file.is_relative_to(folder))
    return next((file for file in inside if os.path.isfile(file)), None)  # of any length


def no_such_config(name: str | os.PathLike) -> str:
    """A message with similar names."""
    return f'no such config: {name}{suggest(Path(name).stem, config_names())}'


def find_config(name: str | os.PathLike) -> Path:
    """The file of a shipped config, or an ``InputError`` with similar names.

    ``name`` is its name, or its path below ``configs`` or from the root of a clone.
    """
    from csre_mm.utils.errors import InputError

    file = locate_config(name)
    if file is None:
        raise InputError(no_such_config(name))
    return file
