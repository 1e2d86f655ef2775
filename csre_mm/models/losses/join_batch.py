"""The batches of all processes as one."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from mmengine import dist
from torch import Tensor

from csre_mm.models.losses.memory_bank import NOT_FINITE
from csre_mm.utils.device import on_cpu
from csre_mm.utils.errors import InputError

_IDS = 4
"""Columns of 32 bits that a label and an index take."""


class JoinedBatch(NamedTuple):
    """What a single process would have seen.

    Attributes:
        features: Tensors (N of all ranks, D), in the order of the ranks.
        labels: (N of all ranks,).
        indices: (N of all ranks,).
        rows: The rows of this rank.
    """

    features: list[Tensor]
    labels: Tensor
    indices: Tensor
    rows: slice


def agree(size: int, seed: int, device: torch.device) -> tuple[int, int]:
    """Find the largest batch of all ranks, and the seed of the first; every rank waits for all.

    Args:
        size: N of this rank.
        seed: The seed of this rank.
        device: Where the collectives run.
    """
    if dist.get_world_size() == 1:
        return size, seed
    found = torch.stack(dist.all_gather(torch.tensor([size, seed], device=device)))
    return int(found[:, 0].max()), int(found[0, 1])


def join_batch(
    features: Sequence[Tensor], labels: Tensor, indices: Tensor, largest: int
) -> JoinedBatch:
    """Gather the batches of all ranks in one collective.

    They may differ in size up to ``largest``. On a GPU, where sizes would have to be waited for,
    the smaller ones are filled up with rows that are never written and have no positives. Outside
    of a process group it is the batch itself.

    Args:
        features: Tensors (N, D) of one data type, several for one set of samples.
        labels: (N,), int64.
        indices: (N,), int64.
        largest: N of the largest batch of any rank.

    Raises:
        InputError: If this batch is larger.
    """
    size, rank = len(labels), dist.get_rank()
    if dist.get_world_size() == 1:
        return JoinedBatch(list(features), labels, indices, slice(0, size))
    if size > largest:
        raise InputError(
            f'a batch of {size} samples on rank {rank}: no rank had more than {largest} in the '
            'first step of the contrast, which is to be the largest; keep batch_size'
        )
    dtype, widths = features[0].dtype, [feature.shape[1] for feature in features]
    ids = torch.stack([labels, indices], 1)  # (N, 2)
    packed = [x.view(torch.int32) for x in (ids, torch.cat(list(features), 1))]
    padded = F.pad(torch.cat(packed, 1), [0, 0, 0, largest - size], value=-1)
    whole = torch.cat(dist.all_gather(padded))  # (N of all ranks, columns)
    labels, indices = whole[:, :_IDS].contiguous().view(torch.int64).unbind(1)
    joined = whole[:, _IDS:].contiguous().view(dtype)
    exists = indices >= 0
    first = rank * largest
    if on_cpu(whole):
        first = int(exists[:first].sum())
        joined, labels, indices = joined[exists], labels[exists], indices[exists]
    else:
        labels = labels.where(exists, NOT_FINITE)
        indices = indices.clamp(min=0)
    return JoinedBatch(list(joined.split(widths, 1)), labels, indices, slice(first, first + size))
