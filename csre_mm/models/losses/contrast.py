"""A step of the contrast, for one feature of the samples or for several."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from csre_mm.models.losses.join_batch import join_batch
from csre_mm.models.losses.memory_bank import NOT_FINITE
from csre_mm.models.losses.pair_mining import LabelPairs
from csre_mm.utils.errors import InputError

if TYPE_CHECKING:
    from csre_mm.models.losses.memory_contrast_loss import MemoryContrastLoss

Statistics = dict[str, Tensor]
"""Scalars that a step of the contrast reports besides the loss."""


def contrast(
    losses: Sequence['MemoryContrastLoss'],
    features: Sequence[Tensor],
    labels: Tensor,
    indices: Tensor,
) -> list[tuple[Tensor, Statistics]]:
    """Contrast several features of the same samples, each with the bank of its loss.

    What depends on labels and indices alone is computed once: the batch of all ranks, the slots by
    class, and the random negatives. The losses must have seen the same samples in every step, so
    that their banks hold the same labels. A sample with a feature that is not finite is an inactive
    anchor in all losses, its slots stay as they were, and no gradient comes back to its features.

    Args:
        losses: The losses.
        features: For each loss features (N, D), of any length.
        labels: Classes (N,), int64.
        indices: Positions of the samples in the training set (N,), int64.

    Returns:
        For each loss its value and the statistics of :meth:`MemoryContrastLoss.forward`.

    Raises:
        InputError: If labels or indices are not of the form above, or a bank has no slots, or
            none for one of the indices.
    """
    check_batch(labels, indices)
    with torch.autocast(labels.device.type, enabled=False):
        rows = [_at_least_float32(z) for z in features]
        finite = torch.cat(rows, 1).isfinite().all(1)  # (N,)
        labels = labels.where(finite, NOT_FINITE)
        anchors = [F.normalize(z.where(finite.unsqueeze(1), 0.0), dim=1) for z in rows]
        batch = join_batch([z.detach() for z in anchors], labels, indices)
        shared: dict[tuple[int | float, str], LabelPairs] = {}
        results = []
        for loss, z, joined in zip(losses, anchors, batch.features, strict=True):
            loss.bank.check_slots(batch.indices)
            generator = loss.advance(labels.device)
            if loss.update == 'before':
                loss.bank.write(batch.indices, joined, batch.labels)
            key = loss.num_pairs()[1], loss.update
            if key not in shared:
                shared[key] = loss.pair_labels(labels, batch, generator)
            value, statistics = loss.compare(z, shared[key])
            if loss.update == 'after':
                loss.bank.write(batch.indices, joined, batch.labels)
            results.append((value * loss.weight(), statistics))
    return results


def check_batch(labels: Tensor, indices: Tensor) -> None:
    """Refuse labels and indices of another form.

    Raises:
        InputError: If they are not two tensors (N,) of int64.
    """
    for name, values in (('labels', labels), ('indices', indices)):
        if values.ndim != 1 or values.dtype != torch.int64 or len(values) != len(labels):
            hint = ': of one-hot labels take argmax(1)' if values.ndim == 2 else ''
            raise InputError(
                f'the {name} of the contrast are {values.dtype} of the shape '
                f'{tuple(values.shape)}, expected torch.int64 of the shape ({len(labels)},){hint}'
            )


def _at_least_float32(z: Tensor) -> Tensor:
    return z if z.dtype == torch.float64 else z.float()
