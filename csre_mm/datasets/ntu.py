"""From a raw file of NTU RGB+D to an annotation, one function a step.

The steps: :func:`~csre_mm.datasets.ntu_raw.parse_skeleton`, :func:`select_bodies`,
:func:`merge_bodies`. Coordinates stay as the camera gave them: centring and everything else that
depends on the model happens when a sample is loaded.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from csre_mm.datasets.ntu_raw import RawBody, parse_skeleton
from csre_mm.datasets.ntu_splits import parse_name
from csre_mm.utils.errors import InputError

MAX_BODIES = 2


def make_annotation(data: bytes, name: str, where: str | None = None) -> dict[str, Any]:
    """Make the annotation of one raw file.

    Args:
        data: The content of the file.
        name: The sample's name, ``SsssCcccPpppRrrrAaaa``.
        where: How messages call the file, by default the name with its suffix.

    Returns:
        ``frame_dir``, ``label`` (from 0), ``total_frames`` T and ``keypoint`` (M, T, V, 3), float32
        metres, M the number of bodies kept, 1 or 2.

    Raises:
        InputError: If the name or the file is bad, or no body is in it.
    """
    where = where or f'{name}.skeleton'
    action = parse_name(name, where).action
    bodies = parse_skeleton(data, where)
    if not bodies:
        raise InputError(f'{where}: no body in any frame, expected at least one')
    keypoint = merge_bodies(select_bodies(bodies))
    return dict(frame_dir=name, label=action - 1, total_frames=keypoint.shape[1], keypoint=keypoint)


def select_bodies(bodies: Sequence[RawBody], max_bodies: int = MAX_BODIES) -> list[RawBody]:
    """Choose the actors: the bodies that move most, the one that moves most first.

    Any class keeps up to two bodies, as CTR-GCN's preparation does; the second body of an action
    of one person is a bystander or a ghost of the tracker. Bodies of equal motion keep their order.
    """
    if len(bodies) == 1:
        return list(bodies)
    return sorted(bodies, key=body_motion, reverse=True)[:max_bodies]


def body_motion(body: RawBody) -> float:
    """The variance over time of each coordinate, over the frames with the body, summed (m^2)."""
    return float(body.joints.var(axis=0, dtype=np.float64).sum())


def merge_bodies(bodies: Sequence[RawBody]) -> np.ndarray:
    """Put bodies on a common time axis.

    Frames in which none of them is present are dropped, as the published preparations do; where
    only some are, the others are zeros.

    Shape:
        Returns (M, T, V, 3), float32, with M the number of bodies and T of frames with a body.
    """
    frames = np.unique(np.concatenate([body.frames for body in bodies]))
    keypoint = np.zeros((len(bodies), len(frames), *bodies[0].joints.shape[1:]), np.float32)
    for person, body in zip(keypoint, bodies, strict=True):
        person[np.searchsorted(frames, body.frames)] = body.joints
    return keypoint
