"""Skeleton encoders that mmaction2 does not have."""

from csre_mm.models.backbones.agcn import AGCN
from csre_mm.models.backbones.blockgcn import BlockGCN
from csre_mm.models.backbones.ctrgcn import CTRGCN
from csre_mm.models.backbones.hcn import HCN
from csre_mm.models.backbones.hyperformer import Hyperformer

__all__ = ['AGCN', 'CTRGCN', 'HCN', 'BlockGCN', 'Hyperformer']
