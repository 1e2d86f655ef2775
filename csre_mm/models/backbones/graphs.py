"""What the encoders take from a skeleton's graph."""

import numpy as np
import torch
from mmaction.models.utils import Graph
from scipy.sparse.csgraph import shortest_path
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
    adjacency = np.zeros((layout.num_joints, layout.num_joints))
    for joint, parent in layout.edges:
        adjacency[joint, parent] = 1
    hops = shortest_path(adjacency, directed=False, unweighted=True)
    hops[np.isinf(hops)] = hops[np.isfinite(hops)].max() + 1
    return torch.from_numpy(hops.astype(np.int64))
