"""The loss of anchors against memory banks, with its gradient."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from mmengine import dist
from torch import Tensor

from csre_mm.models.losses.class_index import ClassIndex
from csre_mm.models.losses.info_nce import info_nce_gradients
from csre_mm.models.losses.memory_bank import MemoryBank
from csre_mm.models.losses.pair_mining import LabelPairs, Pairs, select_pairs

Statistics = dict[str, Tensor]
"""Scalars that a step of the contrast reports besides the loss."""


class Settings(NamedTuple):
    """How features are compared with a bank, as in :class:`MemoryContrastLoss`."""

    num_positives: int | float
    num_negatives: int | float
    temperature: float
    gate: str

    def active(self, classes: ClassIndex) -> Tensor:
        """Which anchors (N,) have enough positives and negatives."""
        counts = self.num_positives, self.num_negatives
        adaptive = self.gate == 'adaptive'
        least = [1 if adaptive or isinstance(k, float) else k for k in counts]
        return (classes.num_same >= least[0]) & (classes.num_other >= least[1])


def compare_anchors(
    banks: Sequence[MemoryBank], z: Tensor, pairs: LabelPairs, settings: Settings
) -> tuple[Tensor, Statistics]:
    """Compare anchors with banks as they are.

    The gradient is computed here: the bank may be written before the backward pass, and a graph
    through the matrix of all similarities would cost as much again as the matrix.

    Args:
        banks: Banks (L) of the same labels.
        z: For each bank L2-normalised features (L, N, D).
        pairs: What depends on labels alone.
        settings: How to compare.

    Returns:
        The losses (L,), and the statistics of :meth:`MemoryContrastLoss.forward`, (L,) each.
    """
    with torch.no_grad():
        found = [bank.similarities(x) for bank, x in zip(banks, z, strict=True)]
        similarities = torch.stack(found) if len(found) > 1 else found[0].unsqueeze(0)
        chosen = select_pairs(
            similarities, pairs, settings.num_positives, settings.num_negatives
        )  # of (L, S, N)
        active = settings.active(pairs.everyone)  # (N of all ranks,)
        loss, weights = _mean_over_anchors(chosen, active, pairs.rows, settings.temperature)
        indices = torch.cat([selection.indices for selection in chosen], -1)  # (L, N, K+ + 2 K-)
        slots = zip(banks, indices, weights, strict=True)
        gradient = torch.stack([bank.weighted_sum(i, w) for bank, i, w in slots])  # (L, N, D)
        filled = 1 - pairs.classes.num_empty / banks[0].num_slots
        statistics = {
            'anchors': active[pairs.rows].float().mean().expand(len(z)),
            'bank_filled': filled.expand(len(z)),
            'positive_sim': chosen.positives.mean(),
            'hard_negative_sim': chosen.hard.mean(),
            'random_negative_sim': chosen.random.mean(),
        }
    linear = (z * gradient).sum((1, 2))
    return loss + (linear - linear.detach()), statistics


def _mean_over_anchors(
    chosen: Pairs, active: Tensor, rows: slice, temperature: float
) -> tuple[Tensor, Tensor]:
    """The losses (L,), and their derivatives by the similarities (L, N, K+ + 2 K-)."""
    terms, by_positives, by_negatives = info_nce_gradients(
        chosen.positives.values.unsqueeze(-2),  # (L, N, 1, K+)
        torch.stack([chosen.hard.values, chosen.random.values], -2),  # (L, N, 2, K-)
        temperature,
        chosen.positives.valid.unsqueeze(-2),
        torch.stack([chosen.hard.valid, chosen.random.valid], -2),
    )
    # DistributedDataParallel takes the mean of the gradients of the ranks; times their number
    # it is the gradient of the mean over the anchors of all ranks.
    total = active.sum().clamp(min=1)
    factor = active[rows].to(terms.dtype) / total * (0.5 * dist.get_world_size())  # two sets: (N,)
    derivatives = torch.cat([by_positives.sum(-2), by_negatives.flatten(-2)], -1)
    return (terms.sum(-1) * factor).sum(-1), derivatives * factor.unsqueeze(-1)
