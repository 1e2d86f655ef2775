"""Packages that only some commands need: the extras of setup.py."""

import importlib
from types import ModuleType

from csre_mm.utils.errors import InputError, one_line


def require(package: str, extra: str, purpose: str) -> ModuleType:
    """Import a package of an extra, or name the command that installs it and its ``purpose``."""
    try:
        return importlib.import_module(package)
    except ImportError as error:
        # With another name the package is installed, and a dependency of it is missing.
        if isinstance(error, ModuleNotFoundError) and error.name == package:
            raise InputError(
                f'{purpose} needs {package}, which is not installed: '
                f"pip install 'csre_mm[{extra}]', in a clone pip install -e '.[{extra}]'"
            ) from error
        raise InputError(f'{purpose}: {package} cannot be imported: {one_line(error)}') from error
