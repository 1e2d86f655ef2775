"""CSRE for OpenMMLab skeleton action recognition: ``custom_imports=dict(imports=['csre_mm'])``."""

from csre_mm import compat

compat.apply()

from csre_mm import datasets, engine, evaluation, models  # noqa: E402
from csre_mm.version import __version__  # noqa: E402

__all__ = ['__version__', 'compat', 'datasets', 'engine', 'evaluation', 'models']
