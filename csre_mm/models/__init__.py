"""Recognizers, necks, heads, losses, encoders and preprocessors, in mmaction2's registry."""

from csre_mm.models.backbones import AGCN, CTRGCN, HCN, BlockGCN, Hyperformer
from csre_mm.models.data_preprocessors import SkeletonPreprocessor
from csre_mm.models.heads import HCNHead
from csre_mm.models.losses import MemoryBank, MemoryContrastLoss
from csre_mm.models.necks import CSRE, STFD, CSRENeck
from csre_mm.models.recognizers import RecognizerCSRE

__all__ = [
    'AGCN',
    'CSRE',
    'CTRGCN',
    'HCN',
    'STFD',
    'BlockGCN',
    'CSRENeck',
    'HCNHead',
    'Hyperformer',
    'MemoryBank',
    'MemoryContrastLoss',
    'RecognizerCSRE',
    'SkeletonPreprocessor',
]
