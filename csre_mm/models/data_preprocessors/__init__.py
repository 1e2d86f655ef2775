"""Data preprocessors."""

from csre_mm.models.data_preprocessors.skeleton_preprocessor import SkeletonPreprocessor

__all__ = ['SkeletonPreprocessor']
