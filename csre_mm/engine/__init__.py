"""The runner and its hooks."""

from csre_mm.engine.hooks.epoch_seed_hook import EpochSeedHook
from csre_mm.engine.hooks.finite_check_hook import FiniteCheckHook
from csre_mm.engine.hooks.inference_checkpoint_hook import InferenceCheckpointHook
from csre_mm.engine.hooks.memory_bank_hook import MemoryBankHook
from csre_mm.engine.hooks.resumable_checkpoint_hook import ResumableCheckpointHook
from csre_mm.engine.hooks.start_check_hook import StartCheckHook
from csre_mm.engine.hooks.thread_hook import ThreadHook
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
