"""Recognizers, necks, losses, encoders and data preprocessors, in mmaction2's registry."""

from csre_mm.models.backbones import CTRGCN
from csre_mm.models.data_preprocessors import SkeletonPreprocessor
from csre_mm.models.losses import MemoryBank, MemoryContrastLoss
from csre_mm.models.necks import STFD, CSRENeck
from csre_mm.models.recognizers import RecognizerCSRE

__all__ = [
    'CTRGCN',
    'STFD',
    'CSRENeck',
    'MemoryBank',
    'MemoryContrastLoss',
    'RecognizerCSRE',
    'SkeletonPreprocessor',
]
