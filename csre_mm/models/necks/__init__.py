"""The train-only neck of CSRE and the decomposition in it."""

from csre_mm.models.necks.csre_neck import CSRENeck
from csre_mm.models.necks.stfd import STFD

__all__ = ['STFD', 'CSRENeck']
