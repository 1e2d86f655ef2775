"""CSRE as a plain module and as a train-only neck, and the decomposition in it."""

from csre_mm.models.necks.csre import CSRE
from csre_mm.models.necks.csre_neck import CSRENeck
from csre_mm.models.necks.stfd import STFD

__all__ = ['CSRE', 'STFD', 'CSRENeck']
