"""The batches of all processes as one."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from mmengine import dist
from torch import Tensor


class JoinedBatch(NamedTuple):
    """What a single process would have seen.

    Attributes:
        features: Tensors (N of all ranks, D), in the order of the ranks.
        labels: (N of all ranks,).
        indices: (N of all ranks,).
        first: Row at which the batch of this rank begins.
    """

    features: list[Tensor]
    labels: Tensor
    indices: Tensor
    first: int


def join_batch(features: Sequence[Tensor], labels: Tensor, indices: Tensor) -> JoinedBatch:
    """Gather the batches of all ranks, which may differ in size.

    Outside of a process group it is the batch itself.

    Args:
        features: Tensors (N, D) of one data type, several for one set of samples.
        labels: (N,), int64.
        indices: (N,), int64.
    """
    if dist.get_world_size() == 1:
        return JoinedBatch(list(features), labels, indices, 0)
    sizes = [int(size) for size in dist.all_gather(torch.tensor(len(labels), device=labels.device))]
    padding = max(sizes) - len(labels)

    def gather(tensor: Tensor) -> Tensor:
        parts = dist.all_gather(F.pad(tensor, [0, 0, 0, padding]))
        return torch.cat([part[:size] for part, size in zip(parts, sizes, strict=True)])

    widths = [feature.shape[1] for feature in features]
    joined = gather(torch.cat(list(features), dim=1)).split(widths, dim=1)
    whole = gather(torch.stack([labels, indices], dim=1))  # (N of all ranks, 2)
    return JoinedBatch(list(joined), whole[:, 0], whole[:, 1], sum(sizes[: dist.get_rank()]))
