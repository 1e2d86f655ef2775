"""What acts in a run beside the model."""

from csre_mm.engine.hooks import InferenceCheckpointHook, LabelCheckHook, MemoryBankHook

__all__ = ['InferenceCheckpointHook', 'LabelCheckHook', 'MemoryBankHook']
