"""One performance of a class, and the raw file that a camera's view of it gives."""

from pathlib import Path

import numpy as np

from csre_mm.datasets.class_names import SYNTHETIC
from csre_mm.datasets.preparation.ntu.splits import SampleName
from csre_mm.utils.files import atomic_path
from synthetic.actions import ACTIONS, Actor
from synthetic.body import FloatArray, Pose, about, draw_subject, place_joints, wander

_FRAME_RATE = 30
_FRAMES = (40, 110)
_SUBJECT, _PERFORMANCE, _NOISE = range(3)  # what random numbers are for
_CAMERA_AT = {1: 0.0, 2: 45.0, 3: -45.0}
"""Degrees around the scene. As in NTU RGB+D people address camera 2 or 3, so that the three see
them from the front, at 45 degrees and from the side."""


def draw_performance(seed: int, sample: SampleName) -> FloatArray:
    """The joints (M, T, 25, 3) of people in the room in metres, whichever camera looks on."""
    action = ACTIONS[SYNTHETIC[sample.action - 1]]
    key = (sample.performer, sample.replication, sample.action)
    rng = np.random.default_rng([seed, _PERFORMANCE, *key])
    subjects = [
        draw_subject(np.random.default_rng([seed, _SUBJECT, sample.performer, person]))
        for person in range(action.persons)
    ]
    time = _draw_time(rng, action.seconds / subjects[0].tempo)
    actors = [
        Actor(subject, Pose(subject, time.size), time, subject.size * rng.normal(1, 0.08), rng)
        for subject in subjects
    ]
    for actor in actors:
        for swaying in (actor.pose.root, *actor.pose.hands.values()):
            swaying += 0.008 * wander(rng, swaying.shape, smooth=12)
    action.move(*actors)
    bodies = [place_joints(actor.subject, actor.pose) for actor in actors]
    heading = (45 if sample.replication % 2 else -45) + rng.normal(0, 7)
    middle = rng.normal(0, (0.12, 0, 0.12))
    if len(bodies) == 2:
        # They face each other across the look at the camera, so that neither hides the other.
        bodies[0][..., 2] -= 0.4
        bodies[1] = bodies[1] * (-1, 1, -1) + (0, 0, 0.4)
        heading += rng.choice((-1, 1)) * rng.normal(60, 12)
    return np.stack(bodies) @ about('y', heading).T + middle


def _draw_time(rng: np.random.Generator, seconds: float) -> FloatArray:
    """Phase of the action (T,): below 0 before it begins, above 1 when it is over."""
    before, after = rng.uniform((-0.06, 0), (0.3, 0.25))
    frames = seconds * _FRAME_RATE * np.exp(rng.normal(0, 0.1)) * (before + 1 + after)
    return np.linspace(-before, 1 + after, int(np.clip(round(frames), *_FRAMES)))


def look(sample: SampleName, joints: FloatArray) -> FloatArray:
    """Joints (M, T, 25, 3) in a camera's coordinates: x to its right, y up, z into the scene."""
    height, distance = 0.9 + 0.1 * (sample.setup % 4), 2.8 + 0.2 * (sample.setup % 3)
    turn = about('y', 180 - _CAMERA_AT[sample.camera])
    return joints @ turn.T + (0, -height, distance)


def raw_text(seed: int, sample: SampleName) -> str:
    """The raw file: a head for each frame and body, and 12 columns for each joint.

    Of the columns only x, y, z and the tracking state (2, tracked) are filled.
    """
    joints = look(sample, draw_performance(seed, sample))
    rng = np.random.default_rng([seed, _NOISE, *sample])
    for body in joints:
        body += 0.006 * wander(rng, body.shape, smooth=2)
    num_bodies, num_frames, num_joints, _ = joints.shape
    ids = 72057594037900000 + int(rng.integers(90000)) + np.arange(num_bodies)
    rows = '%.6g %.6g %.6g 0 0 0 0 0 0 0 0 2\n' * num_joints
    bodies = ''.join(f'{body_id} 0 0 0 0 0 0 0 0 2\n{num_joints}\n{rows}' for body_id in ids)
    text = f'{num_frames}\n' + f'{num_bodies}\n{bodies}' * num_frames
    return text % tuple(joints.swapaxes(0, 1).ravel().tolist())


def file_name(sample: SampleName) -> str:
    """``SsssCcccPpppRrrrAaaa.skeleton``."""
    return 'S{:03}C{:03}P{:03}R{:03}A{:03}.skeleton'.format(*sample)


def write_recording(folder: Path, seed: int, sample: SampleName) -> int:
    """Write one raw file, whole or not at all, and return its number of bytes."""
    content = raw_text(seed, sample).encode('ascii')
    with atomic_path(folder / file_name(sample)) as path:
        path.write_bytes(content)
    return len(content)
