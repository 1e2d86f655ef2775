"""A performer: the proportions of a body and its owner's habits."""

from dataclasses import dataclass

import numpy as np

from synthetic.motion import SIDES
from synthetic.rotations import FloatArray
from synthetic.streams import SUBJECT, stream

# Joint -> metres from its parent in the upright body 1.7 m tall; x to the body's own left, y up,
# z forward. The right side is the left mirrored.
_TRUNK = {1: (0, 0.28, 0), 20: (0, 0.22, 0), 2: (0, 0.07, 0), 3: (0, 0.15, 0.02)}
_LEFT_ARM = {
    4: (0.165, -0.055, 0),
    5: (0.01, -0.275, 0),
    6: (0, -0.245, 0),
    7: (0, -0.075, 0),
    21: (0, -0.075, 0.01),
    22: (-0.02, -0.03, 0.04),
}
_LEFT_LEG = {12: (0.08, -0.04, 0), 13: (0, -0.4, 0), 14: (0, -0.385, 0), 15: (0, -0.065, 0.12)}
_RIGHT_OF = {4: 8, 5: 9, 6: 10, 7: 11, 21: 23, 22: 24, 12: 16, 13: 17, 14: 18, 15: 19}
_WIDTHS = (4, 8, 12, 16)


@dataclass(frozen=True)
class Subject:
    """What stays the same whenever one person is recorded.

    Args:
        offsets: Bones of the upright body in metres, (25, 3), each from the joint's parent.
        tempo: Speed of all movements, 1 being average.
        amplitude: Size of all movements, 1 being average.
        posture: Degrees added to channels of :data:`~synthetic.motion.CHANNELS`
            at all times.
        handedness: How much more the right arm joins in than the left, around 0.
        face_reach: Degrees (4,) by which an arm lifted to the face differs from other people's.
        kick_side: The leg that kicks.
    """

    offsets: FloatArray
    tempo: float
    amplitude: float
    posture: dict[str, float]
    handedness: float
    face_reach: FloatArray
    kick_side: str


def draw_subject(seed: int, performer: int) -> Subject:
    """Make up performer number ``performer``: the same one for the same seed."""
    rng = stream(seed, SUBJECT, performer)
    posture = {
        'spine_bend': rng.normal(4, 3),
        'spine_lean': rng.normal(0, 2),
        'neck_bend': rng.normal(8, 6),
        'neck_turn': rng.normal(0, 5),
    }
    for side in SIDES:
        posture[f'{side}_raise'] = abs(rng.normal(6, 3))
        posture[f'{side}_plane'] = rng.uniform(40, 80)
        posture[f'{side}_twist'] = rng.normal(15, 10)
        posture[f'{side}_elbow'] = rng.uniform(8, 28)
        posture[f'{side}_spread'] = rng.uniform(1, 7)
    return Subject(
        offsets=_draw_offsets(rng),
        tempo=float(np.exp(rng.normal(0, 0.15))),
        amplitude=float(np.clip(rng.normal(1, 0.1), 0.75, 1.25)),
        posture=posture,
        handedness=float(rng.normal(0, 0.06)),
        face_reach=rng.normal(0, (4, 5, 5, 3)),
        kick_side='right' if rng.random() < 0.8 else 'left',
    )


def _draw_offsets(rng: np.random.Generator) -> FloatArray:
    """Bones (25, 3) in metres: a height, then proportions around the average."""
    height = np.clip(rng.normal(1.70, 0.09), 1.5, 1.95) / 1.7
    trunk, arms, legs, width = height * np.exp(rng.normal(0, (0.03, 0.04, 0.04, 0.08)))
    offsets = np.zeros((25, 3))
    for part, scale in ((_TRUNK, trunk), (_LEFT_ARM, arms), (_LEFT_LEG, legs)):
        for joint, offset in part.items():
            offsets[joint] = scale * np.array(offset)
            if joint in _RIGHT_OF:
                offsets[_RIGHT_OF[joint]] = offsets[joint] * (-1, 1, 1)
    offsets[_WIDTHS, 0] *= width
    return offsets
