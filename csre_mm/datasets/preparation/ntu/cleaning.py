"""The published cleaning of NTU RGB+D: which tracked bodies are the two actors.

The sensor's tracker takes chairs for people, loses a person and finds it again under another id,
and sees bystanders. What the CTR-GCN family trains on went through the scripts of Zhang et al.,
"Semantics-guided neural networks" (SGN, CVPR 2020): ``get_raw_skes_data.py`` and
``get_raw_denoised_data.py`` of https://github.com/microsoft/SGN (MIT), which CTR-GCN, Hyperformer
and BlockGCN ship, too. This module does the same, from their rules and thresholds, in this order:

1. A file with one body keeps it.
2. By length: bodies in at most 11 frames go.
3. By spread: bodies that are wider than 0.8 of their height in 69.754 % of their frames go, but
   never the last one. The others' motion is measured without such frames.
4. By motion: the bodies are ranked. The scripts also define limits, 0.089925 and 2, beyond which
   all but the first would go, and do not apply them; neither does this unless asked to.
5. Two actors: each body in turn continues the first actor if it overlaps it by one frame at most,
   else the second, else it goes.

It differs from the scripts in what they cannot mean. They take the frames of a body as consecutive,
so that whoever is lost for a while comes back too early; here frames stay where they are. They end
with an error when all of several bodies are too short, and may when an id comes twice in a frame.
They measure motion in float32, this in float64, which only matters for bodies that move alike.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from csre_mm.datasets.preparation.ntu.raw import RawBody

SHORTEST = 12
"""Frames (the scripts' threshold is 11, itself too short)."""
WIDEST = 0.8
"""Largest ratio of the extents in x and y in a frame with a person."""
MOST_WIDE_FRAMES = 0.69754
"""Share of too wide frames from which on a body is none."""
LEAST_MOTION, MOST_MOTION = 0.089925, 2.0
"""Square metres."""

TOO_SHORT = 'bodies dropped by length'
TOO_WIDE = 'bodies dropped by spread'
BAD_MOTION = 'bodies dropped by motion'
THIRD = 'bodies beyond two actors dropped'
JOINED = 'bodies joined to an actor'

Actor = list[RawBody]
"""The bodies that are one person; where two of them share a frame, the later one counts."""


def clean_published(
    bodies: Sequence[RawBody], limit_motion: bool = False
) -> tuple[list[Actor], Counter[str]]:
    """Choose the actors as the published scripts do.

    Args:
        bodies: At least one, in the order of their appearance.
        limit_motion: Apply the limits of motion, which the scripts define and leave out.

    Returns:
        One or two actors, the one that moves most first, or none if all of several bodies are too
        short; and how many bodies each step dropped or joined.
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
    if limit_motion:
        inside = [LEAST_MOTION <= motions[body] <= MOST_MOTION for body in ranked]
        notes[BAD_MOTION] = inside[1:].count(False)
        ranked = [
            body for body, good in zip(ranked, inside, strict=True) if good or body is ranked[0]
        ]
    actors = assign_actors(ranked)
    notes[JOINED] = sum(len(actor) - 1 for actor in actors)
    notes[THIRD] = len(ranked) - sum(map(len, actors))
    return actors, +notes


def drop_wide(bodies: Sequence[RawBody]) -> dict[RawBody, float]:
    """Drop what is too wide for a person, but never the last body.

    Returns:
        The bodies left, in their order, and the motion of each in square metres.
    """
    left = len(bodies)
    motions = {}
    for body in bodies:
        motion = pooled_variance(body.joints)
        wide = wide_frames(body.joints)
        # The last body is not looked at, even when it has frames that would change its motion.
        if left > 1 and wide.any():
            if wide.mean() >= MOST_WIDE_FRAMES:
                left -= 1
                continue
            motion = min(motion, pooled_variance(body.joints[~wide]))
        motions[body] = motion
    return motions


def wide_frames(joints: np.ndarray) -> np.ndarray:
    """In which frames a body is too wide for a person who stands or sits.

    Shape:
        joints: (T, V, 3), metres.
        Returns: (T,), bool.
    """
    extents = np.ptp(joints[..., :2], axis=1).astype(np.float64)  # (T, 2)
    return extents[:, 0] > WIDEST * extents[:, 1]


def pooled_variance(joints: np.ndarray) -> float:
    """The motion of a body: the variance of x, y and z over all joints of all frames, summed.

    Args:
        joints: Metres. Shape (T, V, 3).

    Returns:
        Square metres. The extent of the body itself is a part of it.
    """
    return float(joints.reshape(-1, 3).var(axis=0, dtype=np.float64).sum())


def assign_actors(ranked: Sequence[RawBody]) -> list[Actor]:
    """Share bodies out between two actors.

    A person who was lost comes back under another id: a body that shares at most one frame with the
    range of an actor is this actor. As in the scripts, the range of the second actor begins with
    the first frame, even when nobody is there yet.

    Args:
        ranked: Bodies, the one that moves most first.

    Returns:
        The actors who have a body: up to two.
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
