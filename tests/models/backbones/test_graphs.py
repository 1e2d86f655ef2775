import numpy as np
import pytest
import torch
from mmaction.models.utils import Graph

from csre_mm.datasets import get_layout
from csre_mm.models.backbones.graphs import hop_distances, spatial_subsets
from csre_mm.utils.errors import InputError

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


# --- mmaction2's graph, in its own form


def test_mmaction2s_graph_takes_every_layout():
    for name in ('nw-ucla', 'nturgb+d-chain', ISLANDS):
        layout, graph = get_layout(name), Graph(name)
        assert (graph.num_node, graph.center) == (layout.num_joints, layout.center)
        assert graph.inward == list(layout.edges)
        np.testing.assert_array_equal(Graph(layout.as_graph_layout()).A, graph.A)
    for name in ('coco', 'openpose', 'nturgb+d'):
        assert Graph(name).layout == name


INWARD = [(1, 0), (2, 1), (3, 2)]


@pytest.mark.parametrize('edges', [INWARD, [(b, a) for a, b in INWARD], [[1, 0], [1, 2], [3, 2]]])
def test_edges_of_its_own_form_are_turned_towards_the_centre(edges):
    layout = dict(num_node=4, inward=edges, center=0)
    assert Graph(layout).inward == INWARD
    assert get_layout(layout) == get_layout(dict(num_joints=4, edges=INWARD, center=0))


@pytest.mark.parametrize(
    'change, message',
    [
        (dict(inward=[*INWARD, (3, 0)]), r'edge \((3, 2|2, 3)\) closes a circle'),
        (dict(inward=[(2, 1), (3, 2), (4, 3)], center=1), 'names joint 4, .*: subtract 1 from'),
        (dict(inward=[*INWARD, (9, 1)]), r'edge \(9, 1\) names joint 9, the joints are 0 to 3'),
        (dict(center=2), 'the edges lead to joint 0, but the center is joint 2'),
        (dict(center=4), 'center names joint 4'),
        (dict(inward=INWARD[:2]), 'no edges lead from joint 3 to the center 0'),
        (dict(inward=None), 'needs num_joints, edges and center'),
    ],
)
def test_what_is_no_tree_is_refused_in_its_own_form(change, message):
    with pytest.raises(InputError, match=f"layout 'custom'.*{message}"):
        Graph({**dict(num_node=4, inward=INWARD, center=0), **change}, mode='spatial')


def test_a_name_that_nobody_knows():
    with pytest.raises(InputError, match="no skeleton layout 'kinect'; known: nturgb"):
        Graph('kinect')
