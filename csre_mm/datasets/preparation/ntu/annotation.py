"""From a raw file of NTU RGB+D to an annotation.

Coordinates stay as the camera gave them: centring and everything else that depends on the model
happens when a sample is loaded.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from csre_mm.datasets.preparation.ntu.cleaning import SHORTEST, THIRD, Actor, clean_published
from csre_mm.datasets.preparation.ntu.raw import (
    BAD_NAME,
    NO_ACTOR,
    NO_BODY,
    NUM_JOINTS,
    RawBody,
    RejectedError,
    parse_skeleton,
)
from csre_mm.datasets.preparation.ntu.splits import TWO_PERSON_ACTIONS, parse_name
from csre_mm.utils.errors import InputError

MAX_BODIES = 2
CLEANINGS = {
    'published': 'by length and spread, ranked by motion, as CTR-GCN and others prepare the data',
    'published-motion': 'the same, and the limits of motion that its scripts define and leave out',
    'none': 'the two bodies that move most',
}
ZEROS = 'detections of zeros dropped'


def make_sample(
    data: bytes, name: str, where: str | None = None, cleaning: str = 'published'
) -> tuple[dict[str, Any], Counter[str]]:
    """Make the annotation of a raw file, by one of :data:`CLEANINGS`; messages call it ``where``.

    It has ``frame_dir``, ``label`` (from 0), ``total_frames`` T and ``keypoint`` (M, T, V, 3),
    float32 metres, M actors, 1 or 2; with it come counts of what is unusual about the recording. A
    ``RejectedError`` says that the name or the file is bad, or has no actor.
    """
    where = where or f'{name}.skeleton'
    try:
        action = parse_name(name, where).action
    except InputError as error:
        raise RejectedError(str(error), BAD_NAME) from error
    recording = parse_skeleton(data, where)
    bodies, notes = drop_zeros(recording.bodies)
    if not bodies:
        raise RejectedError(f'{where}: no body in any frame, expected at least one', NO_BODY)
    actors, found = select_actors(bodies, cleaning)
    if not actors:
        longest = max(len(body.frames) for body in bodies)
        raise RejectedError(
            f'{where}: {len(bodies)} bodies, the longest in {longest} frames, expected one in at '
            f'least {SHORTEST}',
            NO_ACTOR,
        )
    keypoint = merge_actors(actors)
    num_frames = keypoint.shape[1]
    starts = [min(int(body.frames[0]) for body in actor) for actor in actors]
    two_persons = action in TWO_PERSON_ACTIONS
    notes += found
    notes['frames without an actor dropped'] = recording.num_frames - num_frames
    notes['detections of a repeated id dropped'] = recording.num_repeated
    notes['bodies beyond the second found'] = max(0, len(bodies) - MAX_BODIES)
    notes['actors that appear late'] = sum(start > min(starts) for start in starts)
    notes['actions of one person with two actors'] = int(len(actors) == 2 and not two_persons)
    notes['actions of two persons with one actor'] = int(len(actors) == 1 and two_persons)
    annotation = dict(frame_dir=name, label=action - 1, total_frames=num_frames, keypoint=keypoint)
    return annotation, +notes


def drop_zeros(bodies: Sequence[RawBody]) -> tuple[list[RawBody], Counter[str]]:
    """Drop detections with all joints at the camera itself: no person is present; count them."""
    kept, num_dropped = [], 0
    for body in bodies:
        present = body.joints.any(axis=(1, 2))  # (T,)
        num_dropped += int((~present).sum())
        if present.any():
            kept.append(RawBody(body.body_id, body.frames[present], body.joints[present]))
    return kept, Counter({ZEROS: num_dropped})


def select_actors(
    bodies: Sequence[RawBody], cleaning: str = 'published'
) -> tuple[list[Actor], Counter[str]]:
    """Choose up to two actors, the one that moves most first; count what was done."""
    if cleaning not in CLEANINGS:
        raise ValueError(f'cleaning is {cleaning!r}, expected one of {", ".join(CLEANINGS)}')
    if cleaning == 'none':
        chosen = select_bodies(bodies)
        return [[body] for body in chosen], Counter({THIRD: len(bodies) - len(chosen)})
    return clean_published(bodies, limit_motion=cleaning == 'published-motion')


def select_bodies(bodies: Sequence[RawBody], max_bodies: int = MAX_BODIES) -> list[RawBody]:
    """The bodies that move most, the one that moves most first; equal ones keep their order."""

    def motion(body: RawBody) -> float:
        """The variance over time of each coordinate, over the frames with the body (m^2)."""
        return float(body.joints.var(axis=0, dtype=np.float64).sum())

    return sorted(bodies, key=motion, reverse=True)[:max_bodies]


def merge_actors(actors: Sequence[Actor]) -> np.ndarray:
    """Put M actors on a common time axis (M, T, V, 3): the frames with one of them at least.

    In frames without the other one its joints are zeros, as in the published preparations.
    """
    frames = np.unique(np.concatenate([body.frames for actor in actors for body in actor]))
    keypoint = np.zeros((len(actors), len(frames), NUM_JOINTS, 3), np.float32)
    for person, actor in zip(keypoint, actors, strict=True):
        for body in actor:
            person[np.searchsorted(frames, body.frames)] = body.joints
    return keypoint
