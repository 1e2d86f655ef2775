"""From a raw file of NTU RGB+D to an annotation, one function a step.

The steps: :func:`~csre_mm.datasets.preparation.ntu.raw.parse_skeleton`, :func:`drop_zeros`,
:func:`select_actors` (one of :data:`CLEANINGS`), :func:`merge_actors`. Coordinates stay as the
camera gave them: centring and everything else that depends on the model happens when a sample is
loaded.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from csre_mm.datasets.preparation.ntu.cleaning import SHORTEST, THIRD, Actor, clean_published
from csre_mm.datasets.preparation.ntu.raw import NUM_JOINTS, RawBody, RawRecording, parse_skeleton
from csre_mm.datasets.preparation.ntu.rejection import BAD_NAME, NO_ACTOR, NO_BODY, RejectedError
from csre_mm.datasets.preparation.ntu.splits import TWO_PERSON_ACTIONS, parse_name
from csre_mm.utils.errors import InputError

MAX_BODIES = 2
CLEANINGS = {
    'published': 'by length and spread, ranked by motion, as CTR-GCN and others prepare the data',
    'published-motion': 'the same, and the limits of motion that its scripts define and leave out',
    'none': 'the two bodies that move most',
}

NO_ACTOR_FRAMES = 'frames without an actor dropped'
ZEROS = 'detections of zeros dropped'
REPEATED = 'detections of a repeated id dropped'
LATE = 'actors that appear late'
EXTRA = 'bodies beyond the second found'
SECOND_OF_ONE = 'actions of one person with two actors'
FIRST_OF_TWO = 'actions of two persons with one actor'


def make_sample(
    data: bytes, name: str, where: str | None = None, cleaning: str = 'published'
) -> tuple[dict[str, Any], Counter[str]]:
    """Make the annotation of one raw file, and say what was done to it.

    Args:
        data: The content of the file.
        name: The sample's name, ``SsssCcccPpppRrrrAaaa``.
        where: How messages call the file, by default the name with its suffix.
        cleaning: How the actors are chosen, one of :data:`CLEANINGS`.

    Returns:
        ``frame_dir``, ``label`` (from 0), ``total_frames`` T and ``keypoint`` (M, T, V, 3), float32
        metres, M the number of actors, 1 or 2; and a number for each thing that was met: frames,
        bodies or detections.

    Raises:
        RejectedError: If the name or the file is bad, or no actor is in it.
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
    notes += found + describe(recording, bodies, actors, action)
    notes[NO_ACTOR_FRAMES] = recording.num_frames - keypoint.shape[1]
    annotation = dict(
        frame_dir=name, label=action - 1, total_frames=keypoint.shape[1], keypoint=keypoint
    )
    return annotation, +notes


def drop_zeros(bodies: Sequence[RawBody]) -> tuple[list[RawBody], Counter[str]]:
    """Drop detections with all joints at the camera itself: nobody is there.

    Returns:
        The bodies that are left, and the number of detections that are not.
    """
    kept, num_dropped = [], 0
    for body in bodies:
        there = body.joints.any(axis=(1, 2))  # (T,)
        num_dropped += int(there.size - there.sum())
        if there.all():
            kept.append(body)
        elif there.any():
            kept.append(RawBody(body.body_id, body.frames[there], body.joints[there]))
    return kept, Counter({ZEROS: num_dropped})


def select_actors(
    bodies: Sequence[RawBody], cleaning: str = 'published'
) -> tuple[list[Actor], Counter[str]]:
    """Choose the actors.

    Args:
        bodies: At least one.
        cleaning: One of :data:`CLEANINGS`.

    Returns:
        Up to two actors, the one that moves most first, possibly none; and what was done.

    Raises:
        ValueError: If there is no such cleaning.
    """
    if cleaning not in CLEANINGS:
        raise ValueError(f'cleaning is {cleaning!r}, expected one of {", ".join(CLEANINGS)}')
    if cleaning == 'none':
        chosen = select_bodies(bodies)
        return [[body] for body in chosen], Counter({THIRD: len(bodies) - len(chosen)})
    return clean_published(bodies, limit_motion=cleaning == 'published-motion')


def select_bodies(bodies: Sequence[RawBody], max_bodies: int = MAX_BODIES) -> list[RawBody]:
    """The bodies that move most, the one that moves most first; equal ones keep their order."""
    if len(bodies) == 1:
        return list(bodies)

    def motion(body: RawBody) -> float:
        """The variance over time of each coordinate, over the frames with the body (m^2)."""
        return float(body.joints.var(axis=0, dtype=np.float64).sum())

    return sorted(bodies, key=motion, reverse=True)[:max_bodies]


def merge_actors(actors: Sequence[Actor]) -> np.ndarray:
    """Put actors on a common time axis.

    Frames in which none of them is present are dropped, as the published preparations do; where
    only one is, the other is zeros.

    Shape:
        Returns (M, T, V, 3), float32, with M the number of actors and T of frames with an actor.
    """
    frames = np.unique(np.concatenate([body.frames for actor in actors for body in actor]))
    keypoint = np.zeros((len(actors), len(frames), NUM_JOINTS, 3), np.float32)
    for person, actor in zip(keypoint, actors, strict=True):
        for body in actor:
            person[np.searchsorted(frames, body.frames)] = body.joints
    return keypoint


def describe(
    recording: RawRecording, bodies: Sequence[RawBody], actors: Sequence[Actor], action: int
) -> Counter[str]:
    """What is unusual about a recording, with a number for each."""
    starts = [min(int(body.frames[0]) for body in actor) for actor in actors]
    two = action in TWO_PERSON_ACTIONS
    return Counter(
        {
            REPEATED: recording.num_repeated,
            EXTRA: max(0, len(bodies) - MAX_BODIES),
            LATE: sum(start > min(starts) for start in starts),
            SECOND_OF_ONE: int(len(actors) == 2 and not two),
            FIRST_OF_TWO: int(len(actors) == 1 and two),
        }
    )
