"""Hooks of the runner."""

from csre_mm.engine.hooks import (
    EpochSeedHook,
    InferenceCheckpointHook,
    MemoryBankHook,
    StartCheckHook,
    ThreadHook,
)

__all__ = [
    'EpochSeedHook',
    'InferenceCheckpointHook',
    'MemoryBankHook',
    'StartCheckHook',
    'ThreadHook',
]
