"""The batches of all processes as one."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from mmengine import dist
from torch import Tensor


class JoinedBatch(NamedTuple):
    """What one process would have seen.

    Attributes:
        z: (N of all ranks, D), in the order of the ranks.
        labels: (N of all ranks,).
        indices: (N of all ranks,).
        first: Row at which this rank's batch begins.
    """

    z: Tensor
    labels: Tensor
    indices: Tensor
    first: int


def join_batch(z: Tensor, labels: Tensor, indices: Tensor) -> JoinedBatch:
    """Gather the batches of all ranks, which may differ in size; outside a group, the batch itself.

    Args:
        z: (N, D).
        labels: (N,).
        indices: (N,).
    """
    if dist.get_world_size() == 1:
        return JoinedBatch(z, labels, indices, 0)
    sizes = [int(size) for size in dist.all_gather(torch.tensor(len(z), device=z.device))]
    padding = max(sizes) - len(z)

    def gather(tensor: Tensor) -> Tensor:
        parts = dist.all_gather(F.pad(tensor, [0, 0] * (tensor.ndim - 1) + [0, padding]))
        return torch.cat([part[:size] for part, size in zip(parts, sizes, strict=True)])

    first = sum(sizes[: dist.get_rank()])
    return JoinedBatch(gather(z), gather(labels), gather(indices), first)
