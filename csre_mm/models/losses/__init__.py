"""The contrast against a memory bank: the bank, the choice of pairs, InfoNCE and the loss."""

from csre_mm.models.losses.info_nce import info_nce
from csre_mm.models.losses.memory_bank import MemoryBank
from csre_mm.models.losses.memory_contrast_loss import MemoryContrastLoss

__all__ = ['MemoryBank', 'MemoryContrastLoss', 'info_nce']
