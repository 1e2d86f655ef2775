"""Parts of recordings: windows, and the persons in them."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from csre_mm.apis.recordings import Recording
from csre_mm.datasets.preparation.ntu.annotation import select_bodies
from csre_mm.datasets.preparation.ntu.raw import RawBody
from csre_mm.datasets.transforms.sample_frames import FRAME_FIELDS
from csre_mm.utils.errors import InputError


class Clip(NamedTuple):
    """Frames of a recording, from ``start`` to before ``end``."""

    recording: Recording
    start: int
    end: int


def window_spans(num_frames: int, window: int | None, stride: int | None) -> list[tuple[int, int]]:
    """Cut a recording into windows that overlap.

    Args:
        num_frames: Frames T of the recording, from 1.
        window: Frames of a window; None for the whole recording.
        stride: Frames from one window to the next, by default a quarter of a window.

    Returns:
        The first frame of each window and the one after its last. The last window ends with the
        recording; a recording shorter than a window is one.

    Raises:
        InputError: If the window or the stride is less than 1, or there is a stride alone.
    """
    if window is None:
        if stride is not None:
            raise InputError(f'a stride of {stride} needs a window')
        return [(0, num_frames)]
    stride = default_stride(window) if stride is None else stride
    if window < 1 or stride < 1:
        raise InputError(f'window {window} and stride {stride}, expected at least 1 frame each')
    last = max(num_frames - window, 0)
    starts = [*range(0, last, stride), last]
    return [(start, min(start + window, num_frames)) for start in starts]


def default_stride(window: int) -> int:
    """A quarter of a window, one frame at least."""
    return max(window // 4, 1)


def cut(recording: Recording, start: int, end: int) -> Recording:
    """Frames ``start`` to before ``end`` of a recording."""
    fields = {
        key: value[:, start:end] if key in FRAME_FIELDS else value
        for key, value in recording.fields.items()
    }
    return replace(recording, keypoint=recording.keypoint[:, start:end], fields=fields)


def choose_persons(keypoint: np.ndarray, most: int) -> np.ndarray:
    """The persons who move most, the one who moves most first.

    Args:
        keypoint: (M, T, V, C); a person who is absent from a frame is zeros.
        most: Persons to keep.

    Returns:
        (min(M, most), T, V, C).
    """
    bodies = []
    for person, joints in enumerate(keypoint):
        frames = np.flatnonzero(joints.any(axis=(1, 2)))
        if frames.size:
            bodies.append(RawBody(person, frames, joints[frames]))
    return keypoint[[body.body_id for body in select_bodies(bodies, most)]]
