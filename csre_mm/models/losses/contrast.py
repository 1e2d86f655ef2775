"""A step of the contrast, for one feature of the samples or for several."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from csre_mm.models.losses.comparison import Statistics, compare_anchors
from csre_mm.models.losses.join_batch import JoinedBatch, join_batch
from csre_mm.models.losses.memory_bank import NOT_FINITE, last_occurrence
from csre_mm.models.losses.pair_mining import LabelPairs
from csre_mm.models.losses.random_negatives import Draws
from csre_mm.utils.device import full_precision, on_cpu
from csre_mm.utils.errors import InputError

if TYPE_CHECKING:
    from csre_mm.models.losses.memory_contrast_loss import MemoryContrastLoss


_SHORTEST = 1e-12
"""The length below which ``F.normalize`` does not give a unit vector."""


class Chance(NamedTuple):
    """What changes from step to step besides the batch.

    Attributes:
        source: Random numbers, or the generator that they come from.
        weight: Factor of the loss.
    """

    source: torch.Generator | Draws
    weight: Tensor


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
    anchor in all losses, its slots stay as they were, and no gradient comes back to its features;
    so is one with a feature of length zero, which has no direction.

    Args:
        losses: The losses.
        features: For each loss features (N, D), of any length.
        labels: Classes (N,), int64.
        indices: Positions of the samples in the training set (N,), int64.

    Returns:
        For each loss its value and the statistics of :meth:`MemoryContrastLoss.forward`.

    Raises:
        InputError: If features, labels or indices are not of the form above, or a bank has no
            slots, or none for one of the indices.
    """
    check_batch(labels, indices)
    for loss, z in zip(losses, features, strict=True):
        loss.bank.check_slots(indices)
        if z.shape != (len(labels), loss.bank.feat_dim):
            raise InputError(
                f'the features of the contrast have the shape {tuple(z.shape)}, expected '
                f'{(len(labels), loss.bank.feat_dim)}'
            )
    with full_precision(labels):
        first = losses[0]
        normalized, labels = first.normalize(features, labels)
        largest, *_ = (loss.start(len(labels), labels.device) for loss in losses)
        batch = join_batch([z.detach() for z in normalized], labels, indices, largest)
        chances = [loss.advance(batch) for loss in losses]
        return first.compare(losses, normalized, batch, chances)


def check_batch(labels: Tensor, indices: Tensor) -> None:
    """Refuse labels and indices of another form.

    Labels on a GPU are not read, which would synchronise with it.

    Raises:
        InputError: If they are not two tensors (N,) of int64, N from 1, or a label is below 0.
    """
    for name, values in (('labels', labels), ('indices', indices)):
        if not isinstance(values, Tensor):
            raise InputError(f'the {name} of the contrast are a {type(values).__name__}, no tensor')
        size = max(labels.shape[0], 1) if labels.ndim else 1
        if values.dtype != torch.int64 or values.shape != (size,):
            hint = ': of one-hot labels take argmax(1)' if values.ndim == 2 else ''
            raise InputError(
                f'the {name} of the contrast are {values.dtype} of the shape '
                f'{tuple(values.shape)}, expected torch.int64 of the shape ({size},){hint}'
            )
    if on_cpu(labels) and int(labels.min()) < 0:
        raise InputError(f'a label of the contrast is {int(labels.min())}, classes count from 0')


def normalize(features: Sequence[Tensor], labels: Tensor) -> tuple[list[Tensor], Tensor]:
    """L2-normalise features, in float32 at least.

    Args:
        features: Tensors (N, D).
        labels: (N,).

    Returns:
        The features, zero for a sample with one whose length is zero or not finite; and the labels,
        with :data:`NOT_FINITE` for such a sample.
    """
    rows = [z if z.dtype == torch.float64 else z.float() for z in features]
    widths = [z.shape[1] for z in rows]
    joined = torch.cat(rows, 1)  # (N, sum of D)
    lengths = torch.stack([torch.linalg.vector_norm(z.detach(), dim=1) for z in rows])
    usable = ((lengths > _SHORTEST) & (lengths < torch.inf)).all(0)  # (N,)
    joined, labels = joined.where(usable.unsqueeze(1), 0.0), labels.where(usable, NOT_FINITE)
    if len(set(widths)) == 1:
        parts = F.normalize(joined.unflatten(1, (-1, widths[0])), dim=2).unbind(1)
    else:
        parts = tuple(F.normalize(z, dim=1) for z in joined.split(widths, 1))
    return list(parts), labels


def compare(
    losses: Sequence['MemoryContrastLoss'],
    features: Sequence[Tensor],
    batch: JoinedBatch,
    chances: Sequence[Chance],
) -> list[tuple[Tensor, Statistics]]:
    """Write a batch into the banks and compare its anchors with them; one graph if compiled.

    Args:
        losses: The losses.
        features: For each loss L2-normalised features (N, D).
        batch: The batch of all ranks.
        chances: For each loss what changes from step to step.

    Returns:
        As :func:`contrast`.
    """
    last = last_occurrence(batch.indices, batch.labels != NOT_FINITE)
    shared: dict[tuple[int | float, str], LabelPairs] = {}
    results: dict[int, tuple[Tensor, Statistics]] = {}

    def write(update: str) -> None:
        for loss, z in zip(losses, batch.features, strict=True):
            if loss.update == update:
                loss.bank.write(batch.indices, z, batch.labels, last)

    write('before')
    for group in _groups(losses, on_cpu(batch.labels)):
        first, chance = losses[group[0]], chances[group[0]]
        key = first.num_pairs()[1], first.update
        if key not in shared:
            shared[key] = first.pair_labels(batch, chance.source)
        z = torch.stack([features[i] for i in group])
        banks = [losses[i].bank for i in group]
        values, statistics = compare_anchors(banks, z, shared[key], first.settings())
        for place, i in enumerate(group):
            found = {name: numbers[place] for name, numbers in statistics.items()}
            results[i] = values[place] * chances[i].weight, found
    write('after')
    return [results[i] for i in range(len(losses))]


def _groups(losses: Sequence['MemoryContrastLoss'], one_by_one: bool) -> list[list[int]]:
    """Losses that are computed in the same operations: those of equal settings.

    On a CPU each is alone: there an operation costs what it computes, and memory is scarcer.
    """
    if one_by_one:
        return [[i] for i in range(len(losses))]
    settings = [
        (loss.settings(), loss.update, loss.bank.features.dtype, loss.bank.features.shape)
        for loss in losses
    ]
    return [
        [j for j, other in enumerate(settings) if other == own]
        for i, own in enumerate(settings)
        if own not in settings[:i]
    ]
