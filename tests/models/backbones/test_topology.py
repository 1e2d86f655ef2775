import math

import pytest
import torch

from csre_mm.models.backbones.topology import (
    PoseTopology,
    TopologyEmbedding,
    pose_distances,
    tree_lengths,
)


def kruskal(distances):
    """Edge lengths of a minimum spanning tree, shortest first."""
    V = len(distances)
    edges = sorted((distances[a][b], a, b) for a in range(V) for b in range(a))
    component, lengths = list(range(V)), []
    for length, a, b in edges:
        one, other = component[a], component[b]
        if one != other:
            lengths.append(length)
            component = [one if c == other else c for c in component]
    return lengths


def random_distances(*shape, values=None):
    """Symmetric with a zero diagonal; with ``values``, of that many lengths only."""
    x = torch.rand(*shape, dtype=torch.float64)
    x = (x * values).ceil() / values if values else x
    x = x.triu(1)
    return x + x.mT


@pytest.mark.parametrize('V', [2, 3, 4, 5, 8, 9, 17, 25])
@pytest.mark.parametrize('values', [None, 3])
def test_tree_lengths_are_kruskals(V, values):
    torch.manual_seed(V)
    distances = random_distances(6, V, V, values=values)
    lengths = tree_lengths(distances)
    assert lengths.shape == (6, V - 1)
    for found, matrix in zip(lengths, distances, strict=True):
        assert sorted(found.tolist()) == kruskal(matrix.tolist())


def test_tree_of_a_chain_is_found_whatever_its_order():
    """The longest possible path: V - 1 edges, in a random order of the joints."""
    torch.manual_seed(0)
    V = 25
    distances = 100 * (1 - torch.eye(V, dtype=torch.float64))
    order, lengths = torch.randperm(V).tolist(), torch.rand(V - 1, dtype=torch.float64)
    for a, b, length in zip(order, order[1:], lengths, strict=False):
        distances[a, b] = distances[b, a] = length
    torch.testing.assert_close(tree_lengths(distances).sort()[0], lengths.sort()[0])


def test_one_joint_has_no_edges_and_equal_joints_have_edges_of_zero():
    assert tree_lengths(torch.zeros(2, 1, 1)).shape == (2, 0)
    assert torch.equal(tree_lengths(torch.zeros(3, 4, 4)), torch.zeros(3, 3))


def test_any_number_of_leading_axes():
    torch.manual_seed(0)
    distances = random_distances(2, 3, 5, 5)
    assert torch.equal(tree_lengths(distances)[1, 2], tree_lengths(distances[1, 2]))


def naive_distances(joints):
    """(M, T, V, C) to nested lists: distances of the mean pose, and of the rows of distances."""
    M, T, V, C = joints.shape
    pose = [
        [sum(joints[:, :, v, c].flatten().tolist()) / (M * T) for c in range(C)] for v in range(V)
    ]
    apart = [[math.dist(pose[a], pose[b]) for b in range(V)] for a in range(V)]
    low, high = (pick(pick(row) for row in apart) for pick in (min, max))
    rows = [[(value - low) / (high - low) for value in row] for row in apart]
    return [[math.dist(rows[a], rows[b]) for b in range(V)] for a in range(V)]


def test_pose_distances_are_those_of_the_rows_of_the_mean_pose():
    torch.manual_seed(0)
    joints = torch.randn(3, 2, 4, 5, 3, dtype=torch.float64)
    for found, sample in zip(pose_distances(joints), joints, strict=True):
        expected = torch.tensor(naive_distances(sample), dtype=torch.float64)
        torch.testing.assert_close(found, expected)


def test_structure_elements_sum_over_the_diagram():
    torch.manual_seed(0)
    topology = PoseTopology().double()
    for parameter in (topology.centers, topology.sharpness):
        torch.nn.init.normal_(parameter)
    joints = torch.randn(2, 2, 3, 6, 3, dtype=torch.float64)
    with torch.no_grad():
        found = topology(joints)
    assert found.shape == (2, 64)
    for n in range(2):
        lengths = kruskal(naive_distances(joints[n]))
        for element in range(64):
            birth, death = topology.centers[element].tolist()
            s, t = topology.sharpness[element].tolist()
            terms = [math.exp(-(s**2) * birth**2 - t**2 * (death - x) ** 2) for x in lengths]
            # the distances are computed in single precision
            assert found[n, element].item() == pytest.approx(sum(terms), rel=2e-5, abs=1e-6)


def test_the_start_of_the_elements_is_the_published_one():
    torch.manual_seed(0)
    topology = PoseTopology()
    assert topology.centers.shape == topology.sharpness.shape == (64, 2)
    assert (topology.sharpness == 3).all()
    assert 0 <= topology.centers.min() < 0.1 and 0.9 < topology.centers.max() <= 1


def test_the_topology_is_that_of_a_sample_by_itself():
    torch.manual_seed(0)
    topology = PoseTopology()
    joints = torch.randn(4, 2, 5, 25, 3)
    whole = topology(joints)
    for n in range(4):
        torch.testing.assert_close(topology(joints[n : n + 1])[0], whole[n])


def test_what_the_topology_does_not_depend_on():
    torch.manual_seed(0)
    topology = PoseTopology()
    joints = torch.randn(2, 3, 5, 8, 3)
    expected = topology(joints)
    turned = joints @ torch.linalg.qr(torch.randn(3, 3))[0]
    for other in (
        joints[:, [2, 0, 1]],  # persons
        joints[:, :, torch.randperm(5)],  # frames
        joints[..., torch.randperm(8), :],  # joints
        3 * turned + 7,  # size, direction and place
    ):
        torch.testing.assert_close(topology(other), expected, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(topology(joints.square()), expected, rtol=1e-2)


@pytest.mark.parametrize('value', [0.0, 1.0, -3.7])
def test_joints_in_one_place_give_finite_numbers(value):
    topology = PoseTopology()
    y = topology(torch.full((2, 2, 4, 5, 3), value))
    y.sum().backward()
    birth, death = topology.centers.detach().unbind(1)
    expected = 4 * torch.exp(-9 * (birth**2 + death**2))  # four edges of length zero
    torch.testing.assert_close(y.detach(), expected.expand(2, 64))
    assert topology.centers.grad.isfinite().all() and topology.sharpness.grad.isfinite().all()


def test_gradients_are_those_of_the_elements():
    torch.manual_seed(0)
    topology = PoseTopology().double()
    joints = torch.randn(1, 1, 2, 4, 3, dtype=torch.float64)

    def elements(centers, sharpness):
        parameters = {'centers': centers, 'sharpness': sharpness}
        return torch.func.functional_call(topology, parameters, (joints,))

    values = [topology.centers.detach().clone(), topology.sharpness.detach().clone()]
    assert torch.autograd.gradcheck(elements, [value.requires_grad_() for value in values])


def test_half_precision_does_not_reach_the_distances():
    torch.manual_seed(0)
    topology = PoseTopology()
    joints = torch.randn(2, 2, 5, 25, 3)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        found = topology(joints)
    torch.testing.assert_close(found.float(), topology(joints))


def test_the_embedding_is_one_of_each_block():
    torch.manual_seed(0)
    embed = TopologyEmbedding([3, 5]).double().eval()
    torch.nn.init.normal_(embed.bn.weight)
    torch.nn.init.normal_(embed.bn.bias)
    x = torch.randn(4, 64, dtype=torch.float64)
    weights, start = embed.state_dict(), 0
    for channels, found in zip((3, 5), embed(x), strict=True):
        own = slice(start, start + channels)
        y = x @ weights['linear.weight'][own].T + weights['linear.bias'][own]
        y = y / math.sqrt(1 + 1e-5) * weights['bn.weight'][own] + weights['bn.bias'][own]
        assert found.shape == (4, channels, 1, 1)
        torch.testing.assert_close(found[..., 0, 0], y.clamp_min(0))
        start += channels


def test_a_batch_of_one_row_trains_the_embedding():
    embed = TopologyEmbedding([3, 5]).train()
    torch.nn.init.ones_(embed.bn.bias)
    found = embed(torch.randn(1, 64))
    assert [y.shape for y in found] == [(1, 3, 1, 1), (1, 5, 1, 1)]
    torch.testing.assert_close(torch.cat(found, 1), torch.ones(1, 8, 1, 1), rtol=0, atol=1e-3)
    assert all(buffer.isfinite().all() for buffer in embed.buffers())
