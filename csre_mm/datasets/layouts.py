"""Skeleton layouts: joints, edges, bones and body parts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from numbers import Integral

from csre_mm.datasets.skeleton_tree import check_bones, find_parents
from csre_mm.utils.errors import InputError


@dataclass(frozen=True)
class SkeletonLayout:
    """The joints of a skeleton and their connections: a tree, or several.

    Args:
        name: Name in configs and messages.
        num_joints: Number of joints V.
        edges: Edges of the graph as pairs of joints, 0-based. The layout has each as (joint, the
            next joint towards the centre); edges in other directions are turned.
        center: The joint in the middle of the body.
        bone_parents: For each joint the joint where its bone starts; a joint that is its own parent
            has the bone zero. By default the bones are the edges.
        partition: The body part of each joint, numbered from 0 without a gap; None if unknown.
        roots: If the skeleton has parts that no edge connects, as two hands, the joint in the
            middle of each part besides that of ``center``.

    Raises:
        InputError: If the edges are no tree around ``center``, or one around it and one around each
            of ``roots``; if the bones run in a circle; if something does not fit ``num_joints``.

    Example:
        >>> edges = ((1, 0), (2, 1))  # elbow to shoulder, wrist to elbow
        >>> layout = SkeletonLayout('limb', 3, edges, center=0)
        >>> layout.bone_parents
        (0, 0, 1)
        >>> layout.as_graph_layout()
        {'num_node': 3, 'inward': [(1, 0), (2, 1)], 'center': 0}
    """

    name: str
    num_joints: int
    edges: tuple[tuple[int, int], ...]
    center: int
    bone_parents: tuple[int, ...] = ()
    partition: tuple[int, ...] | None = None
    roots: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        self._check_numbers()
        tops = (self.center, *self.roots)
        try:
            parents = find_parents(self.num_joints, self.edges, tops)
            check_bones(self.bone_parents, tops)
        except InputError as error:
            raise InputError(f'layout {self.name!r}: {error}') from None
        turned = [(a, b) if parents[a] == b else (b, a) for a, b in self.edges if a != b]
        object.__setattr__(self, 'edges', tuple(turned))
        if not self.bone_parents:
            object.__setattr__(self, 'bone_parents', parents)

    def _check_numbers(self) -> None:
        """Insist on joints and parts within their range."""
        if not isinstance(self.num_joints, Integral) or self.num_joints < 1:
            raise InputError(f'layout {self.name!r}: num_joints is {self.num_joints!r}')
        for edge in self.edges:
            if len(edge) != 2:
                raise InputError(f'layout {self.name!r}: edge {edge} is no pair of joints')
        named: dict[str, Sequence[int]] = {f'edge {tuple(edge)}': edge for edge in self.edges}
        one_based = min((j for edge in self.edges for j in edge), default=0) == 1
        named |= {'center': (self.center,), 'bone_parents': self.bone_parents, 'roots': self.roots}
        for where, joints in named.items():
            for joint in joints:
                if not isinstance(joint, Integral) or not 0 <= joint < self.num_joints:
                    hint = ': subtract 1 from the numbers' if one_based else ''
                    raise InputError(
                        f'layout {self.name!r}: {where} names joint {joint}, '
                        f'the joints are 0 to {self.num_joints - 1}{hint}'
                    )
        for field, value in (('bone_parents', self.bone_parents), ('partition', self.partition)):
            if value and len(value) != self.num_joints:
                raise InputError(
                    f'layout {self.name!r}: {field} names {len(value)} joints, '
                    f'num_joints is {self.num_joints}'
                )
        if self.partition is not None and set(self.partition) != set(range(self.num_parts)):
            raise InputError(
                f'layout {self.name!r}: partition has the parts {sorted(set(self.partition))}, '
                'they must be numbered from 0 without a gap'
            )

    @property
    def num_parts(self) -> int:
        """Number of body parts P; 0 without a partition."""
        return 0 if self.partition is None else max(self.partition, default=-1) + 1

    def require_partition(self, encoder: str) -> tuple[int, ...]:
        """The partition, for an encoder that needs it.

        Raises:
            InputError: If the layout has none; the message names the encoder.
        """
        if self.partition is None:
            raise InputError(
                f'{encoder} needs the body part of each joint: give the layout {self.name!r} a '
                'partition (model.backbone.graph_cfg.layout)'
            )
        return self.partition

    def as_graph_layout(self) -> dict:
        """The layout as the dictionary that ``mmaction.models.utils.Graph`` takes."""
        roots = dict(roots=self.roots) if self.roots else {}
        return dict(num_node=self.num_joints, inward=list(self.edges), center=self.center, **roots)


def _from_one_based(pairs: str) -> tuple[tuple[int, int], ...]:
    """Read '1-2 2-21' as ((0, 1), (1, 20)): the publications count joints from one."""
    split = (pair.split('-') for pair in pairs.split())
    return tuple((int(joint) - 1, int(parent) - 1) for joint, parent in split)


def _parents(bones: str) -> tuple[int, ...]:
    return tuple(parent for _, parent in sorted(_from_one_based(bones)))


_NTU_LIMBS = (
    '1-2 2-21 3-21 4-3 5-21 6-5 7-6 8-7 9-21 10-9 11-10 12-11 '
    '13-1 14-13 15-14 16-15 17-1 18-17 19-18 20-19'
)
_UCLA_LIMBS = (
    '1-2 2-3 4-3 5-3 6-5 7-6 8-7 9-3 10-9 11-10 12-11 13-1 14-13 15-14 16-15 17-1 18-17 19-18 20-19'
)
_UTD_LIMBS = (
    '1-2 2-3 4-3 5-2 6-5 7-6 8-7 9-2 10-9 11-10 12-11 13-4 14-13 15-14 16-15 17-4 18-17 19-18 20-19'
)

NTU = SkeletonLayout(
    name='nturgb+d',
    num_joints=25,
    edges=_from_one_based(f'{_NTU_LIMBS} 22-8 23-8 24-12 25-12'),
    center=20,
    # The hand tip's bone comes from the thumb, whose bone comes from the hand (2s-AGCN).
    bone_parents=_parents(f'{_NTU_LIMBS} 21-21 22-23 23-8 24-25 25-12'),
    partition=(0, 4, 2, 2, 2, 2, 1, 1, 2, 2, 1, 1, 2, 3, 3, 3, 2, 3, 3, 3, 1, 0, 1, 0, 1),
)
NW_UCLA = SkeletonLayout(
    name='nw-ucla',
    num_joints=20,
    edges=_from_one_based(_UCLA_LIMBS),
    center=2,
    bone_parents=_parents(f'{_UCLA_LIMBS} 3-3'),
    partition=(0,) * 4 + (1,) * 8 + (2,) * 8,
)
# The joints of NW-UCLA in another order: head, shoulder centre, spine, hip centre, arms, legs.
UTD_MHAD = SkeletonLayout(
    name='utd-mhad',
    num_joints=20,
    edges=_from_one_based(_UTD_LIMBS),
    center=2,
    bone_parents=_parents(f'{_UTD_LIMBS} 3-3'),
    partition=(0,) * 4 + (1,) * 8 + (2,) * 8,
)

# 2s-AGCN's graph has the bones for edges: hand, thumb and tip are a chain, not a star.
NTU_CHAIN = replace(
    NTU,
    name='nturgb+d-chain',
    edges=_from_one_based(f'{_NTU_LIMBS} 22-23 23-8 24-25 25-12'),
)

LAYOUTS: dict[str, SkeletonLayout] = {
    layout.name: layout for layout in (NTU, NTU_CHAIN, NW_UCLA, UTD_MHAD)
}


_OF_MMACTION2 = {'num_node': 'num_joints', 'inward': 'edges'}


def get_layout(layout: str | dict | SkeletonLayout) -> SkeletonLayout:
    """Look up a layout by name, or make one from a config.

    Args:
        layout: A name in :data:`LAYOUTS`, a :class:`SkeletonLayout`, or a dictionary of its
            arguments. In a dictionary ``name`` and ``bone_parents`` may be left out: the bones are
            then the edges. mmaction2's names for ``num_joints`` and ``edges`` are understood.

    Raises:
        InputError: If the name is unknown, or the dictionary is no valid layout.

    Example:
        >>> get_layout('nw-ucla').num_joints
        20
        >>> get_layout(dict(num_joints=3, edges=[(1, 0), (2, 1)], center=0)).bone_parents
        (0, 0, 1)
    """
    if isinstance(layout, SkeletonLayout):
        return layout
    if isinstance(layout, str):
        if layout not in LAYOUTS:
            raise InputError(f'no skeleton layout {layout!r}; known: {", ".join(sorted(LAYOUTS))}')
        return LAYOUTS[layout]
    fields = {_OF_MMACTION2.get(key, key): value for key, value in layout.items()}
    fields.setdefault('name', 'custom')
    try:
        fields['edges'] = tuple(tuple(edge) for edge in fields['edges'])
        for field in ('bone_parents', 'partition', 'roots'):
            if fields.get(field) is not None:
                fields[field] = tuple(fields[field])
            elif field != 'partition':
                fields.pop(field, None)
        return SkeletonLayout(**fields)
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f'layout {fields["name"]!r} needs num_joints, edges and center: {error}'
        ) from error
