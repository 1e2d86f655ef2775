import pytest
from mmaction.datasets.transforms.pose_transforms import JointToBone
from mmaction.models.utils import Graph

from csre_mm.datasets import LAYOUTS, SkeletonLayout, get_layout
from csre_mm.utils.errors import InputError


def test_ntu_is_mmaction2s():
    layout = get_layout('nturgb+d')
    theirs = Graph('nturgb+d')
    assert set(layout.edges) == set(theirs.inward) and layout.center == theirs.center
    assert dict(enumerate(layout.bone_parents)) == dict(JointToBone('nturgb+d').pairs)


@pytest.mark.parametrize('name', sorted(LAYOUTS))
def test_the_graph_is_a_tree_and_every_joint_has_a_part(name):
    layout = LAYOUTS[name]
    reached = {layout.center}
    for _ in layout.edges:
        reached |= {a for a, b in layout.edges if b in reached}
        reached |= {b for a, b in layout.edges if a in reached}
    assert len(layout.edges) == layout.num_joints - 1 == len(reached) - 1
    assert len(set(layout.partition)) == max(layout.partition) + 1


def test_a_user_defined_layout():
    layout = get_layout(dict(num_joints=3, edges=[[1, 0], [2, 1]], center=0))
    assert layout.bone_parents == (0, 0, 1) and layout.partition is None
    assert get_layout(layout) is layout
    assert layout.as_graph_layout() == dict(num_node=3, inward=[(1, 0), (2, 1)], center=0)


@pytest.mark.parametrize(
    'change, message',
    [
        (dict(edges=((1, 0), (5, 1))), r'edge \(5, 1\) names joint 5, the joints are 0 to 2'),
        (dict(center=3), 'center names joint 3'),
        (dict(bone_parents=(0, 0)), 'bone_parents names 2 joints, num_joints is 3'),
        (dict(bone_parents=(0, 0, 9)), 'bone_parents names joint 9'),
        (dict(partition=(0,)), 'partition names 1 joints, num_joints is 3'),
    ],
)
def test_a_layout_that_does_not_fit_itself(change, message):
    good = dict(name='x', num_joints=3, edges=((1, 0), (2, 1)), center=0, bone_parents=(0, 0, 1))
    SkeletonLayout(**good)
    with pytest.raises(InputError, match=message):
        SkeletonLayout(**{**good, **change})


EDGES = [(1, 0), (2, 1), (3, 2), (4, 1)]  # towards joint 0


def tree(edges, center=0, joints=5, **more):
    return get_layout(dict(num_joints=joints, edges=edges, center=center, **more))


@pytest.mark.parametrize(
    'edges',
    [
        EDGES,
        [(b, a) for a, b in EDGES],  # away from the centre
        [(0, 1), (2, 1), (2, 3), (4, 1)],  # as an estimator publishes its connections
        [(0, 0), *EDGES],  # the root is its own
    ],
)
def test_edges_are_turned_towards_the_centre(edges):
    layout = tree(edges)
    assert list(layout.edges) == EDGES and layout.bone_parents == (0, 0, 1, 2, 1)
    assert layout.as_graph_layout() == dict(num_node=5, inward=EDGES, center=0)


@pytest.mark.parametrize(
    'edges, options, message',
    [
        ([*EDGES, (3, 0)], {}, r'edge \((3, 2|2, 3)\) closes a circle'),
        ([(1, 0), (2, 0), (3, 1), (3, 2), (4, 1)], {}, r'edge \(2, 3\) closes a circle'),
        (EDGES[:3], {}, 'no edges lead from joint 4 to the center 0: add an edge'),
        ([(1, 0), (2, 3), (3, 2), (4, 1)], {}, r'edge \(3, 2\) comes twice'),
        ([*EDGES, (2, 1)], {}, r'edge \(2, 1\) comes twice'),
        ([*EDGES, (1, 2)], {}, r'edge \(1, 2\) comes twice'),
        ([*EDGES, (3, 3)], {}, r'edge \(3, 3\) connects a joint with itself'),
        (EDGES, dict(center=1), 'the edges lead to joint 0, but the center is joint 1'),
        ([(a + 1, b + 1) for a, b in EDGES], dict(center=1), 'names joint 5, .*: subtract 1 from'),
        ([(1, 0, 2), *EDGES[1:]], {}, r'edge \(1, 0, 2\) is no pair of joints'),
        ([(1.0, 0), *EDGES[1:]], {}, r'edge \(1.0, 0\) names joint 1.0'),
        (EDGES, dict(bone_parents=(0, 2, 3, 1, 1)), 'bone_parents run in a circle from joint 1'),
        (EDGES, dict(bone_parents=(0, 0, 1, 2, 4)), 'joint 4 is its own parent and no center'),
        (EDGES[:2], dict(roots=(3,)), 'no edges lead from joint 4 to the center 0'),
        (EDGES, dict(roots=(3,)), 'closes a circle, or connects two roots'),
        (EDGES, dict(roots=(7,)), 'roots names joint 7'),
        (3, {}, 'needs num_joints, edges and center'),
    ],
)
def test_what_is_no_tree_is_refused_by_the_joint(edges, options, message):
    with pytest.raises(InputError, match=f"layout 'custom'.*{message}") as error:
        tree(edges, **options)
    assert '\n' not in str(error.value)


def test_parts_that_no_edge_connects_are_said_in_roots():
    layout = tree([(1, 0), (2, 1), (3, 4)], roots=[4])
    assert layout.edges == ((1, 0), (2, 1), (3, 4)) and layout.bone_parents == (0, 0, 1, 4, 4)


def test_connections_of_mediapipe_are_refused():
    """They have circles: shoulders and hips, hands, feet."""
    torso = [(11, 12), (11, 23), (12, 24), (23, 24)]
    with pytest.raises(InputError, match=r'edge \((24, 12|12, 24|24, 23)\) closes a circle'):
        get_layout(dict(num_joints=33, center=23, edges=torso))


def test_an_incomplete_dictionary():
    with pytest.raises(InputError, match='needs num_joints, edges and center'):
        get_layout(dict(num_joints=3))


@pytest.mark.parametrize(
    'partition, parts',
    [((0, 2, 2), r'\[0, 2\]'), ((1, 1, 2), r'\[1, 2\]'), ((-1, 0, 1), r'\[-1, 0, 1\]')],
)
def test_parts_are_numbered_from_0_without_a_gap(partition, parts):
    fields = dict(num_joints=3, edges=((1, 0), (2, 1)), center=0)
    message = f"layout 'custom': partition has the parts {parts}, .* from 0 without a gap"
    with pytest.raises(InputError, match=message) as error:
        get_layout(dict(fields, partition=partition))
    assert '\n' not in str(error.value)
    assert get_layout(dict(fields, partition=(1, 0, 1))).num_parts == 2


def test_a_partition_is_asked_for_by_who_needs_it():
    layout = get_layout(dict(num_joints=2, edges=((1, 0),), center=0, name='stick'))
    assert layout.num_parts == 0
    message = r"Hyperformer needs .* give the layout 'stick' a partition"
    with pytest.raises(InputError, match=message):
        layout.require_partition('Hyperformer')
    assert get_layout('nw-ucla').require_partition('Hyperformer') == (0,) * 4 + (1,) * 8 + (2,) * 8


def test_the_published_partitions():
    published = '0 4 2 2 2 2 1 1 2 2 1 1 2 3 3 3 2 3 3 3 1 0 1 0 1'
    for name in ('nturgb+d', 'nturgb+d-chain'):
        assert get_layout(name).partition == tuple(map(int, published.split()))
        assert get_layout(name).num_parts == 5


def test_the_chain_differs_from_ntu_in_the_hands_alone():
    star, chain = get_layout('nturgb+d'), get_layout('nturgb+d-chain')
    one_based = {(a + 1, b + 1) for a, b in chain.edges}
    assert one_based - {(a + 1, b + 1) for a, b in star.edges} == {(22, 23), (24, 25)}
    assert {(22, 23), (23, 8), (24, 25), (25, 12)} <= one_based
    assert not {(22, 8), (24, 12)} & one_based
    assert (chain.center, chain.bone_parents) == (star.center, star.bone_parents)
    roots = {joint for joint, parent in enumerate(chain.bone_parents) if joint == parent}
    assert set(chain.edges) == {
        (joint, parent) for joint, parent in enumerate(chain.bone_parents) if joint not in roots
    }
