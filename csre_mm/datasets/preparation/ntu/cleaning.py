"""The published cleaning of NTU RGB+D: which tracked bodies are the two actors.

The sensor detects chairs as people, loses a person and finds it again under another id, and detects
bystanders. CTR-GCN, Hyperformer and BlockGCN train on data prepared by the scripts of Zhang et al.,
"Semantics-guided neural networks" (SGN, CVPR 2020): ``get_raw_skes_data.py`` and
``get_raw_denoised_data.py`` of https://github.com/microsoft/SGN (MIT). This module follows their
rules and thresholds; docs/data.md lists the steps and what differs on purpose.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from csre_mm.datasets.preparation.ntu.raw import RawBody

SHORTEST = 12  # frames (the scripts' threshold is 11, itself too short)
WIDEST = 0.8  # largest ratio of the extents in x and y in a frame with a person
MOST_WIDE_FRAMES = 0.69754  # a body with this fraction of too wide frames is dropped
LEAST_MOTION, MOST_MOTION = 0.089925, 2.0
"""Square metres."""

TOO_SHORT = 'bodies dropped by length'
TOO_WIDE = 'bodies dropped by spread'
BAD_MOTION = 'bodies dropped by motion'
THIRD = 'bodies beyond two actors dropped'
JOINED = 'bodies joined to an actor'

Actor = list[RawBody]  # the bodies of one person; in a frame with two of them the later one counts


def clean_published(
    bodies: Sequence[RawBody], limit_motion: bool = False
) -> tuple[list[Actor], Counter[str]]:
    """Choose the actors as the published scripts do; count the bodies dropped or joined.

    The bodies are in the order of their appearance. ``limit_motion`` applies the limits of motion,
    which the scripts define and do not use.
    """
    if len(bodies) == 1:
        return [[bodies[0]]], Counter()
    notes: Counter[str] = Counter()
    kept = [body for body in bodies if len(body.frames) >= SHORTEST]
    notes[TOO_SHORT] = len(bodies) - len(kept)
    motions = drop_wide(kept)
    notes[TOO_WIDE] = len(kept) - len(motions)
    # Sorting is stable: bodies of equal motion keep their order.
    ranked = sorted(motions, key=lambda body: motions[body], reverse=True)
    if limit_motion and ranked:
        others = [b for b in ranked[1:] if LEAST_MOTION <= motions[b] <= MOST_MOTION]
        notes[BAD_MOTION] = len(ranked) - 1 - len(others)
        ranked = [ranked[0], *others]
    actors = assign_actors(ranked)
    notes[JOINED] = sum(len(actor) - 1 for actor in actors)
    notes[THIRD] = len(ranked) - sum(map(len, actors))
    return actors, +notes


def drop_wide(bodies: Sequence[RawBody]) -> dict[RawBody, float]:
    """The bodies that are not too wide for a person, but always the last one, and their motion."""
    left = len(bodies)
    motions = {}
    for body in bodies:
        motion = pooled_variance(body.joints)
        wide = wide_frames(body.joints)
        # The last body is not checked, even if it has frames that would change its motion.
        if left > 1 and wide.any():
            if wide.mean() >= MOST_WIDE_FRAMES:
                left -= 1
                continue
            motion = min(motion, pooled_variance(body.joints[~wide]))
        motions[body] = motion
    return motions


def wide_frames(joints: np.ndarray) -> np.ndarray:
    """In which frames (T,) a body (T, V, 3) is too wide for a person who stands or sits."""
    extents = np.ptp(joints[..., :2], axis=1).astype(np.float64)  # (T, 2)
    return extents[:, 0] > WIDEST * extents[:, 1]


def pooled_variance(joints: np.ndarray) -> float:
    """The motion of a body (T, V, 3): the summed variances of x, y, z over joints and frames."""
    return float(joints.reshape(-1, 3).var(axis=0, dtype=np.float64).sum())


def assign_actors(ranked: Sequence[RawBody]) -> list[Actor]:
    """Assign bodies, the one that moves most first, to up to two actors.

    A person who was lost comes back under another id: a body that overlaps the range of an actor by
    one frame at most is this actor. As in the scripts, the range of the second actor starts at the
    first frame, even if the actor appears later.
    """
    if not ranked:
        return []
    actors: list[Actor] = [[ranked[0]], []]
    ranges = [_range(ranked[0]), (0, 0)]
    for body in ranked[1:]:
        start, end = _range(body)
        for index, (first, last) in enumerate(ranges):
            if min(last, end) <= max(first, start):
                actors[index].append(body)
                ranges[index] = min(first, start), max(last, end)
                break
    return [actor for actor in actors if actor]


def _range(body: RawBody) -> tuple[int, int]:
    return int(body.frames[0]), int(body.frames[-1])
