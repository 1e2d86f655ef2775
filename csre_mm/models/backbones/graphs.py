"""What the encoders take from a skeleton's graph."""

import numpy as np
import torch
from mmaction.models.utils import Graph
from torch import Tensor

from csre_mm.datasets.layouts import SkeletonLayout, get_layout


def spatial_subsets(graph_cfg: dict) -> tuple[SkeletonLayout, Tensor]:
    """A layout, and its adjacency in subsets: to itself, towards the centre, away from it.

    ``graph_cfg`` is as for mmaction2's ``Graph``, with any ``layout`` that :func:`get_layout`
    takes. The subsets A (K, V, V) are normalised by their columns.
    """
    layout = get_layout(graph_cfg.get('layout', 'nturgb+d'))
    graph = {'mode': 'spatial', **graph_cfg, 'layout': layout.as_graph_layout()}
    return layout, torch.tensor(Graph(**graph).A, dtype=torch.float32)


def hop_distances(layout: SkeletonLayout) -> Tensor:
    """Edges on the shortest path from each joint to each other one (V, V), int64.

    Joints that no path connects get one hop more than the longest path has.
    """
    V = layout.num_joints
    adjacency = np.eye(V, dtype=bool)
    for joint, parent in layout.edges:
        adjacency[joint, parent] = adjacency[parent, joint] = True
    hops = np.full((V, V), -1)
    reached = np.eye(V, dtype=bool)
    for hop in range(V):
        new = reached & (hops < 0)
        if not new.any():
            break
        hops[new] = hop
        reached = reached @ adjacency
    hops[hops < 0] = hops.max() + 1
    return torch.from_numpy(hops)
