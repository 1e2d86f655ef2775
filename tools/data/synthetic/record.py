"""From a recording's numbers to its file."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from csre_mm.utils.files import atomic_path
from synthetic.camera import place_camera
from synthetic.performance import Performance, draw_performance
from synthetic.recording_id import RecordingId
from synthetic.sensor import Sensed, sense
from synthetic.skeleton_file import skeleton_text
from synthetic.streams import SENSOR, stream

_OPEN_HAND, _CLOSED_HAND = 2, 3


def record(seed: int, recording: RecordingId, performance: Performance) -> str:
    """The text of one file: a performance as the recording's camera gets it."""
    rng = stream(seed, SENSOR, *dataclasses.astuple(recording))
    camera = place_camera(recording.setup, recording.camera)
    sensed = sense(rng, camera.joints(performance))
    rotations = camera.rotations(performance)
    # The sensor numbers people as it finds them.
    order = rng.permutation(len(rotations))
    sensed = Sensed(sensed.joints[order], sensed.tracking[order], sensed.present[order])
    ids = tuple(performance.body_ids[body] for body in order)
    shape = sensed.present.shape
    hands = np.empty((*shape, 4), dtype=np.int64)
    hands[..., ::2] = rng.random((*shape, 2)) < 0.7
    hands[..., 1::2] = np.where(rng.random((*shape, 2)) < 0.8, _OPEN_HAND, _CLOSED_HAND)
    return skeleton_text(sensed, rotations[order], ids, hands)


def write_recordings(folder: Path, seed: int, recordings: Sequence[RecordingId]) -> int:
    """Write the files of one performance, each whole or not at all.

    Args:
        folder: Where to.
        seed: The data set's seed.
        recordings: Recordings that differ in nothing but their cameras.

    Returns:
        The number of bytes written.
    """
    performance = draw_performance(seed, recordings[0])
    size = 0
    for recording in recordings:
        text = record(seed, recording, performance).encode('ascii')
        with atomic_path(folder / recording.file_name) as path:
            path.write_bytes(text)
        size += len(text)
    return size
