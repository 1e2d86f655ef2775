"""The runner and its hooks."""

from csre_mm.engine.hooks import (
    EpochSeedHook,
    InferenceCheckpointHook,
    LabelCheckHook,
    MemoryBankHook,
    ResumableCheckpointHook,
)
from csre_mm.engine.runner import SkeletonRunner

__all__ = [
    'EpochSeedHook',
    'InferenceCheckpointHook',
    'LabelCheckHook',
    'MemoryBankHook',
    'ResumableCheckpointHook',
    'SkeletonRunner',
]
