"""Skeleton encoders that mmaction2 does not have."""

from csre_mm.models.backbones.ctrgcn import CTRGCN

__all__ = ['CTRGCN']
