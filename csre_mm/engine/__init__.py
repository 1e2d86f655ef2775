"""Hooks of the runner."""

from csre_mm.engine.hooks import (
    EpochSeedHook,
    FiniteCheckHook,
    InferenceCheckpointHook,
    LabelCheckHook,
    MemoryBankHook,
)

__all__ = [
    'EpochSeedHook',
    'FiniteCheckHook',
    'InferenceCheckpointHook',
    'LabelCheckHook',
    'MemoryBankHook',
]
