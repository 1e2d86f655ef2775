"""The joint angles of a body over time."""

from dataclasses import dataclass

import numpy as np

from synthetic.rotations import FloatArray

SIDES = ('left', 'right')
_ARM = ('raise', 'plane', 'twist', 'elbow')
_LEG = ('hip', 'spread', 'knee', 'ankle')
CHANNELS: tuple[str, ...] = (
    *('spine_bend', 'spine_lean', 'spine_turn', 'neck_bend', 'neck_lean', 'neck_turn'),
    *(f'{side}_{joint}' for side in SIDES for joint in (*_ARM, *_LEG)),
    *('turn', 'advance', 'jump'),
)
"""Degrees, except ``advance`` and ``jump``, which are metres (forward and up).

An upper arm hangs at 0 and is lifted by ``raise`` in the ``plane`` 0 (forward) to 90 (sideways);
``twist`` turns it about its own length, inward being positive. All else bends the natural way.
"""


@dataclass(frozen=True)
class ArmPose:
    """Where an arm goes: the four angles of an arm in degrees, see :data:`CHANNELS`."""

    lift: float
    plane: float
    twist: float
    elbow: float

    def moved(self, change: FloatArray) -> 'ArmPose':
        """The pose with ``change`` (4 angles in degrees) added."""
        angles = np.array([self.lift, self.plane, self.twist, self.elbow]) + change
        return ArmPose(*angles.tolist())


class Motion:
    """Angles of one body over T frames; motions add to it, starting from all zero.

    Args:
        num_frames: Number of frames T.
    """

    def __init__(self, num_frames: int) -> None:
        self.num_frames = num_frames
        self._values = {name: np.zeros(num_frames) for name in CHANNELS}

    def __getitem__(self, channel: str) -> FloatArray:
        return self._values[channel]

    def add(self, channel: str, values: FloatArray | float) -> None:
        """Add values, a number or (T,), to one channel."""
        self._values[channel] += values

    def arm(self, side: str, pose: ArmPose, weight: FloatArray) -> None:
        """Bring one arm from where it is into a pose; ``weight`` (T,) is 1 for all the way."""
        angles = (pose.lift, pose.plane, pose.twist, pose.elbow)
        for joint, angle in zip(_ARM, angles, strict=True):
            channel = f'{side}_{joint}'
            self.add(channel, weight * (angle - self[channel]))

    def leg(
        self, side: str, hip: FloatArray | float, knee: FloatArray | float, flat: bool = True
    ) -> None:
        """Bend one leg at hip and knee, by degrees; ``flat`` keeps the sole level."""
        self.add(f'{side}_hip', hip)
        self.add(f'{side}_knee', knee)
        if flat:
            self.add(f'{side}_ankle', np.asarray(knee) - hip)
