"""The tree of a skeleton: the way from each joint to the centre."""

from collections import Counter, deque
from collections.abc import Sequence

from csre_mm.utils.errors import InputError


def find_parents(
    num_joints: int, edges: Sequence[tuple[int, int]], roots: Sequence[int]
) -> tuple[int, ...]:
    """The next joint towards the root for each joint (V,); a root is its own.

    The edges are pairs of joints in any direction, the roots the centre and the middle of each
    other part. Edges that are not one tree around each root, or all lead to another joint, are
    refused.
    """
    neighbours: list[list[int]] = [[] for _ in range(num_joints)]
    for a, b in edges:
        if a == b and a in roots:
            continue
        if a == b or b in neighbours[a]:
            what = 'connects a joint with itself' if a == b else 'comes twice'
            raise InputError(f'edge {a, b} {what}')
        neighbours[a].append(b)
        neighbours[b].append(a)
    parents = {root: root for root in roots}
    queue = deque(parents)
    while queue:
        joint = queue.popleft()
        for other in neighbours[joint]:
            if other == parents[joint]:
                continue
            if other in parents:
                raise InputError(
                    f'edge {joint, other} closes a circle, or connects two roots: each joint has '
                    'one way to the centre'
                )
            parents[other] = joint
            queue.append(other)
    for joint in range(num_joints):
        if joint not in parents:
            raise InputError(
                f'no edges lead from joint {joint} to the center {roots[0]}: add an edge, or name '
                'the middle of its part in roots'
            )
    _check_aim(edges, parents, roots)
    return tuple(parents[joint] for joint in range(num_joints))


def _check_aim(
    edges: Sequence[tuple[int, int]], parents: dict[int, int], roots: Sequence[int]
) -> None:
    """Refuse edges that all lead to another joint than the root: one of the two is wrong."""
    pairs = [(a, b) for a, b in edges if a != b]
    starts = Counter(a for a, _ in pairs)
    aims = sorted(set(parents) - set(starts))
    reversed_list = all(parents[b] == a for a, b in pairs)
    if len(starts) == len(pairs) and set(aims) != set(roots) and not reversed_list:
        raise InputError(
            f'the edges lead to joint {", ".join(map(str, aims))}, but the center is joint '
            f'{", ".join(map(str, roots))}'
        )


def check_bones(parents: Sequence[int], roots: Sequence[int]) -> None:
    """Insist on bones, the parent of each joint (V,), that all start at a root."""
    for start, joint in enumerate(parents):
        for _ in parents:
            if joint == parents[joint]:
                break
            joint = parents[joint]
        else:
            raise InputError(f'bone_parents run in a circle from joint {start}')
        if joint not in roots:
            raise InputError(f'bone_parents: joint {joint} is its own parent and no center or root')
