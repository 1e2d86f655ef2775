"""Forward kinematics: from joint angles to the places of the 25 joints."""

from itertools import pairwise

import numpy as np

from synthetic.motion import SIDES, Motion
from synthetic.rotations import FloatArray, about
from synthetic.subject import Subject

NUM_JOINTS = 25
_UPPER_BODY = ((0, 1, 20, 2, 3), (20, 4, 5, 6, 7, 21), (20, 8, 9, 10, 11, 23), (7, 22), (11, 24))
_LEGS = ((0, 12, 13, 14, 15), (0, 16, 17, 18, 19))
PARENTS = {child: parent for limb in (*_UPPER_BODY, *_LEGS) for parent, child in pairwise(limb)}
"""Joint -> the joint its bone hangs on, the root (the base of the spine) first."""

_FEET = (15, 19)
_SOFTNESS = 0.02
"""Metres by which one foot is above the other before it no longer carries the body."""


def forward_kinematics(subject: Subject, motion: Motion) -> tuple[FloatArray, FloatArray]:
    """Place the joints of a body that stands on the floor at the origin and looks along z.

    Args:
        subject: Whose body it is.
        motion: T frames of angles.

    Returns:
        The joints (T, 25, 3) in metres (x to the body's left, y up from the floor, z forward), and
        the rotations (T, 25, 3, 3) of the bones that lead to them.
    """
    local = _local_rotations(motion)
    joints = np.zeros((motion.num_frames, NUM_JOINTS, 3))
    rotations = np.zeros((motion.num_frames, NUM_JOINTS, 3, 3))
    rotations[:, 0] = about('y', motion['turn'])
    for joint, parent in PARENTS.items():
        rotation = rotations[:, parent]
        if joint in local:
            rotation = rotation @ local[joint]
        rotations[:, joint] = rotation
        joints[:, joint] = joints[:, parent] + rotation @ subject.offsets[joint]
    _stand(joints)
    joints[..., 1] += motion['jump'][:, None]
    joints[..., 2] += motion['advance'][:, None]
    return joints, rotations


def _local_rotations(motion: Motion) -> dict[int, FloatArray]:
    """Rotation (T, 3, 3) of each bone that can bend against the one before it."""
    spine = {
        joint: about('y', share * motion['spine_turn'])
        @ about('z', share * motion['spine_lean'])
        @ about('x', share * motion['spine_bend'])
        for joint, share in ((1, 0.6), (20, 0.4))
    }
    neck = {
        joint: about('y', 0.5 * motion['neck_turn'])
        @ about('z', 0.5 * motion['neck_lean'])
        @ about('x', 0.5 * motion['neck_bend'])
        for joint in (2, 3)
    }
    local = {**spine, **neck}
    for side, sign, elbow, knee in zip(SIDES, (1, -1), (5, 9), (13, 17), strict=True):
        plane = sign * motion[f'{side}_plane']
        lift = about('y', plane) @ about('x', -motion[f'{side}_raise']) @ about('y', -plane)
        local[elbow] = lift @ about('y', -sign * motion[f'{side}_twist'])
        local[elbow + 1] = about('x', -motion[f'{side}_elbow'])
        spread = about('z', sign * motion[f'{side}_spread'])
        local[knee] = spread @ about('x', -motion[f'{side}_hip'])
        local[knee + 1] = about('x', motion[f'{side}_knee'])
        local[knee + 2] = about('x', -motion[f'{side}_ankle'])
    return local


def _stand(joints: FloatArray) -> None:
    """Shift each frame of (T, 25, 3) so that the foot that carries the body stays where it is."""
    feet = joints[:, _FEET]  # [T, 2, 3]
    above = feet[..., 1] - feet[..., 1].min(1, keepdims=True)
    carries = np.exp(-above / _SOFTNESS)
    carries /= carries.sum(1, keepdims=True)
    ground = np.einsum('tf,tfc->tc', carries, feet)
    joints[..., 1] -= feet[..., 1].min(1)[:, None]
    joints[..., 2] -= ground[:, 2, None]
