"""A body of 25 joints that is posed by the places of its hips, hands and feet."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d

FloatArray = npt.NDArray[np.float64]

SIDES = {'left': 1, 'right': -1}
"""Side of the body and the sign of x there."""

_ARM_JOINTS = {'left': [4, 5, 6, 7, 21, 22], 'right': [8, 9, 10, 11, 23, 24]}
_LEG_JOINTS = {'left': [12, 13, 14, 15], 'right': [16, 17, 18, 19]}
# Metres in a body 1.7 m tall. The hand continues the forearm.
_UPPER_ARM, _FOREARM, _HAND = 0.275, 0.245, 0.075
_THIGH, _SHANK, _ANKLE_HEIGHT = 0.4, 0.385, 0.07


@dataclass(frozen=True)
class Subject:
    """The proportions and habits of one person; 1 is average.

    Args:
        trunk, arm, leg, width: Size of spine and head, arms, legs, shoulders and hips.
        tempo, size: Speed and size of all movements.
        bend: Degrees by which the spine is bent forward at all times.
        rest: Places (2, 3) of the resting hands, left and right, as in :class:`Pose`.
        reach: What is added (3,) to the place of a hand that is lifted to the head.
    """

    trunk: float
    arm: float
    leg: float
    width: float
    tempo: float
    size: float
    bend: float
    rest: FloatArray
    reach: FloatArray


def draw_subject(rng: np.random.Generator) -> Subject:
    """Draw a person."""
    height = rng.normal(1, 0.05)
    trunk, arm, leg, width = height * np.exp(rng.normal(0, (0.03, 0.04, 0.04, 0.08)))
    tempo, size = np.exp(rng.normal(0, (0.15, 0.1)))
    rest = np.array([0.14, -0.95, 0.08]) + rng.normal(0, 0.04, (2, 3))
    reach = rng.normal(0, 0.06, 3)
    return Subject(trunk, arm, leg, width, tempo, size, rng.normal(4, 3), rest, reach)


class Pose:
    """Where the parts of a body are over T frames; movements add to it.

    Args:
        subject: Whose body it is; it starts standing upright with resting hands.
        num_frames: Number of frames T.

    Attributes:
        root: (T, 3), how far the hips are from their standing place, in lengths of a leg.
        feet: Side to (T, 3), the same of a foot.
        hands: Side to (T, 3), a hand seen from its shoulder, in lengths of an arm and along the
            axes of the chest. Everywhere x points to the left (of a hand: outward), y up and z
            forward.
        bend: (T,), degrees by which the spine is bent forward.
        nod: (T,), the same of the head.
        tilt: (T,), degrees by which the head is tilted to the right.
    """

    def __init__(self, subject: Subject, num_frames: int) -> None:
        self.root = np.zeros((num_frames, 3))
        self.feet = {side: np.zeros((num_frames, 3)) for side in SIDES}
        self.hands = {
            side: np.tile(place, (num_frames, 1))
            for side, place in zip(SIDES, subject.rest, strict=True)
        }
        self.bend = np.full(num_frames, subject.bend)
        self.nod, self.tilt = np.zeros((2, num_frames))

    def reach(self, side: str, place: npt.ArrayLike, weight: FloatArray) -> None:
        """Bring a hand to a place (3,) or (T, 3); at weight (T,) 0 it stays, at 1 it is there."""
        self.hands[side] += weight[:, None] * (np.asarray(place) - self.hands[side])


def place_joints(subject: Subject, pose: Pose) -> FloatArray:
    """The joints (T, 25, 3) in metres of a body at the origin of the floor that looks along z."""
    chest, head = about('x', pose.bend), about('z', pose.tilt) @ about('x', pose.bend + pose.nod)
    joints = np.zeros((len(pose.bend), 25, 3))
    leg = subject.leg * (_THIGH + _SHANK)
    joints[:, 0] = leg * pose.root + (0, 0.99 * leg + _ANKLE_HEIGHT + 0.04, 0)
    spine = ((0, 1, about('x', pose.bend / 2), 0.28), (1, 20, chest, 0.22), (20, 2, head, 0.07))
    for parent, joint, rotation, length in (*spine, (2, 3, head, 0.15)):
        joints[:, joint] = joints[:, parent] + rotation @ (0, subject.trunk * length, 0)
    for side, x in SIDES.items():
        hand = pose.hands[side]
        joints[:, _ARM_JOINTS[side]] = _place_arm(subject, hand, joints[:, 20], chest, x)
        hip = joints[:, 0] + (x * subject.width * 0.08, -0.04, 0)
        stand = np.array([x * subject.width * 0.09, _ANKLE_HEIGHT, 0])
        lengths = (subject.leg * _THIGH, subject.leg * _SHANK)
        goal, forward = stand + leg * pose.feet[side], np.array([0.2 * x, 0, 1])
        knee, ankle = _bend(hip, goal, *lengths, forward)
        foot = ankle + subject.leg * np.array([0.03 * x, -0.05, 0.12])
        joints[:, _LEG_JOINTS[side]] = np.stack([hip, knee, ankle, foot], axis=1)
    return joints


def _place_arm(
    subject: Subject, hand: FloatArray, neck: FloatArray, chest: FloatArray, x: int
) -> FloatArray:
    """The joints (T, 6, 3) of an arm: shoulder, elbow, wrist, hand, tip, thumb."""
    shoulder = neck + chest @ (x * subject.width * 0.175, -0.055, 0)
    upper, lower = subject.arm * _UPPER_ARM, subject.arm * (_FOREARM + _HAND)
    goal = shoulder + (upper + lower) * np.einsum('tij,tj->ti', chest, hand * (x, 1, 1))
    elbow, hand = _bend(shoulder, goal, upper, lower, chest @ (0.7 * x, -0.4, 0))
    along = _unit(hand - elbow)
    wrist, tip = (hand + sign * subject.arm * _HAND * along for sign in (-1, 1))
    thumb = hand + 0.05 * _unit(along + chest @ (-0.4 * x, 0.4, 0.4))
    return np.stack([shoulder, elbow, wrist, hand, tip, thumb], axis=1)


def _bend(
    start: FloatArray, goal: FloatArray, upper: float, lower: float, towards: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """The middle and the end (T, 3) of a limb that reaches for a goal, or as far as it can.

    Args:
        start: (T, 3), the shoulder or the hip.
        goal: (T, 3), where the end is to be.
        upper: Length of the first bone.
        lower: Length of the second bone.
        towards: (T, 3) or (3,), the direction in which the elbow or the knee points.
    """
    along = _unit(goal - start)
    distance = np.linalg.norm(goal - start, axis=-1, keepdims=True)
    distance = np.clip(distance, 1.5 * abs(upper - lower) + 0.05, 0.999 * (upper + lower))
    ahead = (distance**2 + upper**2 - lower**2) / (2 * distance)  # law of cosines
    across = _unit(towards - (towards * along).sum(-1, keepdims=True) * along)
    middle = start + ahead * along + np.sqrt(upper**2 - ahead**2) * across
    return middle, start + distance * along


def _unit(vectors: FloatArray) -> FloatArray:
    """Vectors (..., 3) of length 1."""
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def about(axis: str, degrees: FloatArray | float) -> FloatArray:
    """Right-handed rotations about the axis x, y or z, the shape of ``degrees`` + (3, 3)."""
    angle = np.deg2rad(np.asarray(degrees, np.float64))
    first, second = {'x': (1, 2), 'y': (2, 0), 'z': (0, 1)}[axis]
    matrix = np.zeros((*angle.shape, 3, 3))
    matrix[..., range(3), range(3)] = 1
    matrix[..., first, first] = matrix[..., second, second] = np.cos(angle)
    matrix[..., second, first] = np.sin(angle)
    matrix[..., first, second] = -np.sin(angle)
    return matrix


def wander(rng: np.random.Generator, shape: tuple[int, ...], smooth: float) -> FloatArray:
    """Random curves of unit variance along the first axis, smoothed over ``smooth`` frames."""
    noise = gaussian_filter1d(rng.standard_normal(shape), smooth, axis=0, mode='wrap')
    return noise * np.sqrt(2 * np.sqrt(np.pi) * smooth)
