"""Hooks of the runner."""

from csre_mm.engine.hooks import (
    EpochSeedHook,
    InferenceCheckpointHook,
    LabelCheckHook,
    MemoryBankHook,
)

__all__ = ['EpochSeedHook', 'InferenceCheckpointHook', 'LabelCheckHook', 'MemoryBankHook']
