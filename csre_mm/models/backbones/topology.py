"""The topology of a pose as BlockGCN sees it: persistent homology of the joints' distances."""

import torch
from torch import Tensor, nn

from csre_mm.utils.device import full_precision

_ELEMENTS = 64


def tree_lengths(distances: Tensor) -> Tensor:
    """Edge lengths of the minimum spanning tree of graphs (..., V, V): (..., V - 1), in any order.

    They are the ages at which the components of the Vietoris-Rips filtration die, that is, its
    0-dimensional persistence diagram. No edge is ever followed: the smallest possible longest edge
    on a path between two joints comes from squaring the distances in the (min, max) algebra, and a
    component dies where its first joint reaches an earlier one.
    """
    V = distances.shape[-1]
    reach = distances
    for _ in range(max(V - 1, 1).bit_length()):
        reach = torch.maximum(reach.unsqueeze(-1), reach.unsqueeze(-3)).amin(-2)
    later = torch.ones(V, V, dtype=torch.bool, device=reach.device).tril(-1)
    return reach.masked_fill(~later, torch.inf).amin(-1)[..., 1:]


def pose_distances(joints: Tensor) -> Tensor:
    """Distances (N, V, V) of joints (N, M, T, V, C), a mean over persons and frames, in [0, 1].

    As in the release of BlockGCN, two joints are as far from each other as their rows of distances
    to all joints are.
    """
    pose = joints.mean((1, 2))  # (N, V, C)
    distances = torch.linalg.vector_norm(pose.unsqueeze(2) - pose.unsqueeze(1), dim=-1)
    low, high = distances.amin((1, 2), keepdim=True), distances.amax((1, 2), keepdim=True)
    rows = (distances - low) / (high - low).clamp_min(torch.finfo(distances.dtype).tiny)
    return torch.linalg.vector_norm(rows.unsqueeze(2) - rows.unsqueeze(1), dim=-1)


class PoseTopology(nn.Module):
    r"""Describe the topology of each sample's mean pose by 64 structure elements: (N, 64).

    An element with centre (b, d) and sharpness (s, t) sums :math:`\exp(-s^2 b^2 - t^2 (d - l)^2)`
    over the points (0, l) of the persistence diagram (Hofer et al., 2019).
    """

    def __init__(self) -> None:
        super().__init__()
        self.centers = nn.Parameter(torch.rand(_ELEMENTS, 2))
        self.sharpness = nn.Parameter(torch.full((_ELEMENTS, 2), 3.0))

    def forward(self, joints: Tensor) -> Tensor:
        """Describe a batch of skeletons."""
        with torch.no_grad(), full_precision(joints):
            lengths = tree_lengths(pose_distances(joints.float()))  # (N, V - 1)
        zeros = torch.zeros_like(lengths)
        points = torch.stack((zeros, lengths), -1).unsqueeze(1)  # (N, 1, V - 1, 2)
        apart = (self.centers.unsqueeze(1) - points).square()  # (N, 64, V - 1, 2)
        return (-apart * self.sharpness.square().unsqueeze(1)).sum(-1).exp().sum(-1)


class TopologyEmbedding(nn.Module):
    """Embed the topology (N, 64) once for each block, all at once: (N, channels, 1, 1) each."""

    def __init__(self, channels: list[int]) -> None:
        super().__init__()
        self.channels = channels
        self.linear = nn.Linear(_ELEMENTS, sum(channels))
        self.bn = nn.BatchNorm1d(sum(channels))

    def forward(self, x: Tensor) -> list[Tensor]:
        """Embed a batch of topologies."""
        y = self.linear(x)
        if self.training and len(y) == 1:  # one row has no variance: the mean is all there is
            y = torch.cat((y, y))
        y = self.bn(y)[: x.shape[0]].relu()  # len() would freeze the batch in torch.export
        return list(y[..., None, None].split(self.channels, 1))
