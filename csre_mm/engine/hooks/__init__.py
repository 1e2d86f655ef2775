"""Hooks."""

from csre_mm.engine.hooks.epoch_seed_hook import EpochSeedHook
from csre_mm.engine.hooks.finite_check_hook import FiniteCheckHook
from csre_mm.engine.hooks.inference_checkpoint_hook import InferenceCheckpointHook
from csre_mm.engine.hooks.label_check_hook import LabelCheckHook
from csre_mm.engine.hooks.memory_bank_hook import MemoryBankHook

__all__ = [
    'EpochSeedHook',
    'FiniteCheckHook',
    'InferenceCheckpointHook',
    'LabelCheckHook',
    'MemoryBankHook',
]
