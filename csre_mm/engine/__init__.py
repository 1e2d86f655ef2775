"""The runner and its hooks."""

from csre_mm.engine.hooks import (
    EpochSeedHook,
    FiniteCheckHook,
    InferenceCheckpointHook,
    MemoryBankHook,
    ResumableCheckpointHook,
    StartCheckHook,
    ThreadHook,
)
from csre_mm.engine.runner import SkeletonRunner

__all__ = [
    'EpochSeedHook',
    'FiniteCheckHook',
    'InferenceCheckpointHook',
    'MemoryBankHook',
    'ResumableCheckpointHook',
    'SkeletonRunner',
    'StartCheckHook',
    'ThreadHook',
]
