"""Windows of recordings, and whom they show."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from csre_mm.apis.recordings import Recording, Recordings
from csre_mm.datasets.preparation.ntu.annotation import select_bodies
from csre_mm.datasets.preparation.ntu.raw import RawBody
from csre_mm.datasets.transforms.sample_frames import FRAME_FIELDS
from csre_mm.utils.errors import InputError


def window_spans(num_frames: int, window: int | None, stride: int | None) -> list[tuple[int, int]]:
    """The first frame of each window and the one after its last, by default a quarter apart.

    The last window ends with the recording; a recording that is shorter than a window is one, as
    without a window.
    """
    if window is None:
        if stride is not None:
            raise InputError(f'a stride of {stride} needs a window')
        return [(0, num_frames)]
    stride = max(window // 4, 1) if stride is None else stride
    if window < 1 or stride < 1:
        raise InputError(f'window {window} and stride {stride}, expected at least 1 frame each')
    last = max(num_frames - window, 0)
    starts = [*range(0, last, stride), last]
    return [(start, min(start + window, num_frames)) for start in starts]


def cut(recording: Recording, start: int, end: int) -> Recording:
    """Frames ``start`` to before ``end`` of a recording."""
    fields = {
        key: value[:, start:end] if key in FRAME_FIELDS else value
        for key, value in recording.fields.items()
    }
    keypoint = recording.keypoint[:, start:end]
    return replace(recording, keypoint=keypoint, fields=fields, start=start)


def choose_persons(keypoint: np.ndarray, most: int) -> np.ndarray:
    """Of persons (M, T, V, C) at most as many, the one who moves most first."""
    bodies = []
    for person, joints in enumerate(keypoint):
        frames = np.flatnonzero(joints.any(axis=(1, 2)))
        if frames.size:
            bodies.append(RawBody(person, frames, joints[frames]))
    return keypoint[[body.body_id for body in select_bodies(bodies, most)]]


def split_persons(recordings: Recordings) -> Recordings:
    """A recording for each person, whose number from 1 is added to the name."""
    readers: list[Callable[[], Recording]] = []
    for reader in recordings.readers:
        try:
            present = np.flatnonzero(reader().keypoint.any(axis=(1, 2, 3))).tolist()
        except InputError:  # is named when it is classified
            readers.append(reader)
            continue
        readers += [partial(_one_person, reader, person) for person in present]
    return Recordings(readers)


def _one_person(reader: Callable[[], Recording], person: int) -> Recording:
    recording = reader()
    fields = {
        key: value[[person]] if key in FRAME_FIELDS else value
        for key, value in recording.fields.items()
    }
    name, keypoint = f'{recording.name} person {person + 1}', recording.keypoint[[person]]
    return replace(recording, name=name, keypoint=keypoint, fields=fields)
