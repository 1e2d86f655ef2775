"""Recognizers, necks, heads, losses, encoders and preprocessors, in mmaction2's registry."""

from csre_mm.models.backbones.agcn import AGCN
from csre_mm.models.backbones.blockgcn import BlockGCN
from csre_mm.models.backbones.ctrgcn import CTRGCN
from csre_mm.models.backbones.hcn import HCN
from csre_mm.models.backbones.hyperformer import Hyperformer
from csre_mm.models.data_preprocessors.skeleton_preprocessor import SkeletonPreprocessor
from csre_mm.models.heads.hcn_head import HCNHead
from csre_mm.models.losses import MemoryBank, MemoryContrastLoss
from csre_mm.models.necks.csre import CSRE
from csre_mm.models.necks.csre_neck import CSRENeck
from csre_mm.models.necks.stfd import STFD
from csre_mm.models.recognizers.recognizer_csre import RecognizerCSRE

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
