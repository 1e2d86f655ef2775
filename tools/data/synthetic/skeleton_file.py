"""The text of a raw NTU RGB+D skeleton file."""

import numpy as np

from synthetic.camera import project
from synthetic.rotations import FloatArray, quaternions
from synthetic.sensor import Sensed

_ENDS = (3, 15, 19, 21, 22, 23, 24)
"""Joints with no bone beyond; the Kinect gives them no orientation."""

_JOINT_LINE = '%.7g ' * 11 + '%d\n'


def skeleton_text(
    sensed: Sensed, rotations: FloatArray, body_ids: tuple[int, ...], hands: np.ndarray
) -> str:
    """Write down what a sensor delivered.

    Args:
        sensed: M bodies, T frames.
        rotations: (M, T, 25, 3, 3), of the bones, against the camera.
        body_ids: M numbers, in the order of the bodies.
        hands: (M, T, 4), left confidence and state, right confidence and state.

    Returns:
        The frame count; for each frame its body count; for each body a line of 10 values, the
        joint count, and for each joint a line of 12: x y z, depth x y, colour x y, orientation
        w x y z, tracking state.
    """
    orientations = quaternions(rotations)
    orientations[:, :, _ENDS] = 0
    rows = np.concatenate(
        [sensed.joints, project(sensed.joints), orientations, sensed.tracking[..., None]], axis=-1
    )  # [M, T, 25, 12]
    lean = np.clip(rotations[:, :, 1, :, 1][..., (0, 2)], -1, 1)  # [M, T, 2]
    head = np.concatenate([hands, lean], axis=-1)
    values = np.concatenate([head, rows.reshape(*rows.shape[:2], -1)], axis=-1)
    bodies = [f'{body_id} 0 %d %d %d %d 0 %.7g %.7g 2\n25\n' for body_id in body_ids]
    templates = [body + _JOINT_LINE * rows.shape[2] for body in bodies]
    lines = [f'{values.shape[1]}\n']
    used = []
    for frame in range(values.shape[1]):
        there = np.flatnonzero(sensed.present[:, frame])
        lines.append(f'{there.size}\n')
        lines.extend(templates[body] for body in there)
        used.append(values[there, frame].ravel())
    return ''.join(lines) % tuple(np.concatenate(used).tolist())
