"""Where the cameras are, and what they project to."""

from dataclasses import dataclass

import numpy as np

from synthetic.performance import Performance
from synthetic.rotations import FloatArray

CAMERA_AT = {1: 0.0, 2: 45.0, 3: -45.0}
"""Degrees around the scene. Camera 1 is in the middle, as in NTU RGB+D: it sees the performer,
who addresses an outer camera, at 45 degrees, and the outer ones see the front and the side."""

_DEPTH = (366.0, (256.3, 208.5))
_COLOUR = (1063.0, (960.4, 567.6))
_COLOUR_BESIDE_DEPTH = 0.052
_AIM = np.array([0.0, 0.95, 0.0])


@dataclass(frozen=True)
class Camera:
    """A Kinect: x to the right of its mirrored picture, y up, z into the scene, in metres.

    Args:
        place: (3,) in the room.
        axes: (3, 3), the camera's x, y and z in the room, one a row.
    """

    place: FloatArray
    axes: FloatArray

    def joints(self, performance: Performance) -> FloatArray:
        """The joints (M, T, 25, 3) in this camera's coordinates."""
        return (performance.joints - self.place) @ self.axes.T

    def rotations(self, performance: Performance) -> FloatArray:
        """The bones' rotations (M, T, 25, 3, 3) against this camera."""
        return self.axes @ performance.rotations


def place_camera(setup: int, camera: int) -> Camera:
    """One of the three cameras of a setup: equal heights and distances, 45 degrees apart.

    Args:
        setup: Its number decides on height (0.9 to 2.1 m) and distance (2.7 to 3.6 m).
        camera: 1, 2 or 3.
    """
    height = 0.9 + 1.2 * ((0.35 + 0.618034 * setup) % 1)
    distance = 2.7 + 0.9 * ((0.1 + 0.754878 * setup) % 1)
    angle = np.deg2rad(CAMERA_AT[camera])
    place = np.array([distance * np.sin(angle), height, distance * np.cos(angle)])
    forward = (_AIM - place) / np.linalg.norm(_AIM - place)
    right = np.cross([0.0, 1.0, 0.0], forward)
    right /= np.linalg.norm(right)
    return Camera(place, np.stack([right, np.cross(forward, right), forward]))


def project(joints: FloatArray) -> FloatArray:
    """Pixels of joints in the depth picture (512 x 424) and the colour picture (1920 x 1080).

    Shape:
        joints: (..., 3), metres in the camera's coordinates.
        Returns: (..., 4), depth x, depth y, colour x, colour y.
    """
    pixels = []
    for (focal, (middle_x, middle_y)), beside in ((_DEPTH, 0.0), (_COLOUR, _COLOUR_BESIDE_DEPTH)):
        pixels.append(middle_x + focal * (joints[..., 0] + beside) / joints[..., 2])
        pixels.append(middle_y - focal * joints[..., 1] / joints[..., 2])
    return np.stack(pixels, axis=-1)
