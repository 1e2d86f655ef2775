"""CSRE for OpenMMLab skeleton action recognition: ``custom_imports=dict(imports=['csre_mm'])``."""

import importlib
import importlib.util
from typing import Any

if importlib.util.find_spec('mmaction') is None:
    raise ImportError(
        'csre_mm needs mmaction2. Where a requirement of it, decord, has no wheel (macOS, Linux on '
        'ARM): pip install --no-deps mmaction2==1.2.0'
    )

from csre_mm import compat

compat.apply()

from csre_mm import datasets, engine, evaluation, models  # noqa: E402
from csre_mm.version import __version__  # noqa: E402

__all__ = ['__version__', 'compat', 'datasets', 'engine', 'evaluation', 'models']


def __getattr__(name: str) -> Any:
    """Import what a training run does not need when it is asked for."""
    if name in ('apis', 'experiments', 'visualization'):
        return importlib.import_module(f'csre_mm.{name}')
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
