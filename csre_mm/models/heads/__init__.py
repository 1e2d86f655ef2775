"""Classifiers."""

from csre_mm.models.heads.hcn_head import HCNHead

__all__ = ['HCNHead']
