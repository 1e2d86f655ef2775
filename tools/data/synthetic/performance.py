"""One performance: what the people do in the room, before any camera sees it."""

from dataclasses import dataclass

import numpy as np

from synthetic.body import forward_kinematics
from synthetic.classes import CLASSES
from synthetic.performing import begin
from synthetic.recording_id import RecordingId
from synthetic.rotations import FloatArray, about
from synthetic.streams import PERFORMANCE, stream
from synthetic.subject import Subject, draw_subject

FRAME_RATE = 30
_FEWEST_FRAMES, _MOST_FRAMES = 40, 110
_ADDRESSED_CAMERA_AT = (45.0, -45.0)
"""Where the performer looks, in degrees: replication 1 to one outer camera, 2 to the other."""


@dataclass(frozen=True)
class Performance:
    """People in the room; x and z span the floor, y is up, the scene's middle is the origin.

    Args:
        joints: (M, T, 25, 3) in metres.
        rotations: (M, T, 25, 3, 3), of the bones that lead to the joints.
        body_ids: A 17-digit number for each body.
    """

    joints: FloatArray
    rotations: FloatArray
    body_ids: tuple[int, ...]


def draw_performance(seed: int, recording: RecordingId) -> Performance:
    """Perform an action; the same whichever camera of the recording looks on."""
    action = CLASSES[recording.action - 1]
    key = (recording.setup, recording.performer, recording.replication, recording.action)
    rng = stream(seed, PERFORMANCE, *key)
    subjects = [draw_subject(seed, recording.performer)]
    for _ in range(action.persons - 1):
        # 1 to 105 further on in the circle of 106: anyone but the performer.
        partner = (recording.performer - 1 + int(rng.integers(1, 106))) % 106 + 1
        subjects.append(draw_subject(seed, partner))
    time = _draw_time(rng, action.seconds / subjects[0].tempo)
    people = [begin(subject, rng, time) for subject in subjects]
    action.perform(people)
    bodies = [forward_kinematics(person.subject, person.motion) for person in people]
    places = _draw_places(rng, recording.replication, subjects)
    placed = [_place(*body, *place) for body, place in zip(bodies, places, strict=True)]
    first_id = 72057594037900000 + int(rng.integers(99000))
    return Performance(
        joints=np.stack([joints for joints, _ in placed]),
        rotations=np.stack([rotations for _, rotations in placed]),
        body_ids=tuple(first_id + index for index in range(len(placed))),
    )


def _draw_time(rng: np.random.Generator, seconds: float) -> FloatArray:
    """Phase of the action (T,) at each frame: below 0 before it begins, above 1 when it is over."""
    active = seconds * FRAME_RATE * float(np.exp(rng.normal(0, 0.1)))
    before, after = rng.uniform((-0.06, 0), (0.3, 0.25)) * active
    num_frames = int(np.clip(round(before + active + after), _FEWEST_FRAMES, _MOST_FRAMES))
    active *= num_frames / (before + active + after)
    return (np.arange(num_frames) - before) / active


def _draw_places(
    rng: np.random.Generator, replication: int, subjects: list[Subject]
) -> list[tuple[float, FloatArray]]:
    """Heading in degrees and place on the floor (3,) in metres of each body."""
    heading = _ADDRESSED_CAMERA_AT[(replication - 1) % 2] + rng.normal(0, 7)
    middle = np.array([rng.normal(0, 0.12), 0, rng.normal(0, 0.12)])
    if len(subjects) == 1:
        return [(heading, middle)]
    # Two people stand across the look at the addressed camera, so neither hides the other.
    heading += rng.choice((-1, 1)) * rng.normal(60, 12)
    apart = 0.5 * rng.normal(0.78, 0.05) * about('y', heading) @ np.array([0.0, 0, 1])
    return [(heading, middle - apart), (heading + 180, middle + apart)]


def _place(
    joints: FloatArray, rotations: FloatArray, heading: float, place: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Turn a body by its heading and move it to its place."""
    turn = about('y', heading)
    return joints @ turn.T + place, turn @ rotations
