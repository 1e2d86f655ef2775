import numpy as np
import pytest
import torch

from csre_mm.datasets import get_layout
from csre_mm.models.backbones.graphs import hop_distances, spatial_subsets

ISLANDS = dict(num_joints=7, edges=[(1, 0), (2, 1), (3, 2), (5, 4)], center=0, roots=[4, 6])
LAYOUTS = ['nturgb+d', 'nturgb+d-chain', 'nw-ucla', ISLANDS, dict(num_joints=1, edges=[], center=0)]


def naive_hops(layout, start):
    """Joints by their distance to one, by a breadth-first search."""
    hops, frontier = {start: 0}, [start]
    while frontier:
        joint = frontier.pop(0)
        for a, b in layout.edges:
            for here, there in ((a, b), (b, a)):
                if here == joint and there not in hops:
                    hops[there] = hops[joint] + 1
                    frontier.append(there)
    return hops


@pytest.mark.parametrize('name', LAYOUTS, ids=str)
def test_hops_are_those_of_a_search(name):
    layout = get_layout(name)
    V = layout.num_joints
    searches = [naive_hops(layout, joint) for joint in range(V)]
    longest = max(max(search.values()) for search in searches)
    expected = [[search.get(joint, longest + 1) for joint in range(V)] for search in searches]
    hops = hop_distances(layout)
    assert hops.dtype == torch.int64 and hops.tolist() == expected


def test_hops_of_a_layout_in_pieces():
    hops = hop_distances(get_layout(ISLANDS))
    assert hops[0].tolist() == [0, 1, 2, 3, 4, 4, 4]
    assert hops[6].tolist() == [4, 4, 4, 4, 4, 4, 0]


@pytest.mark.parametrize('name, longest', [('nturgb+d', 11), ('nturgb+d-chain', 12)])
def test_the_longest_way_is_from_a_fingertip_to_the_other_ones_foot(name, longest):
    hops = hop_distances(get_layout(name))
    assert hops.max() == hops[21, 19] == hops[23, 15] == longest


def naive_subsets(layout):
    """To itself, along an edge, against an edge; each column divided by its sum."""
    V = layout.num_joints
    subsets = np.zeros((3, V, V))
    for joint in range(V):
        subsets[0, joint, joint] = 1
    for joint, parent in layout.edges:
        subsets[1, parent, joint] = 1
        subsets[2, joint, parent] = 1
    for subset in subsets:
        for column in range(V):
            total = sum(subset[row, column] for row in range(V))
            for row in range(V):
                subset[row, column] /= total or 1
    return subsets


@pytest.mark.parametrize('name', LAYOUTS[:4], ids=str)
def test_columns_of_the_subsets_are_normalised(name):
    layout, A = spatial_subsets(dict(layout=name, mode='spatial'))
    assert layout == get_layout(name) and A.dtype == torch.float32
    np.testing.assert_allclose(A.numpy(), naive_subsets(layout), rtol=1e-6)
    sums = A.sum(1)
    assert ((sums - 1).abs().lt(1e-6) | (sums == 0)).all()
    assert torch.equal(A[0], torch.eye(layout.num_joints))


def test_the_mode_is_spatial_without_being_named():
    assert torch.equal(*(spatial_subsets(cfg)[1] for cfg in ({}, dict(mode='spatial'))))
