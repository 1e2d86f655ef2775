"""What a movement needs to know about one performance of it."""

from dataclasses import dataclass

import numpy as np

from synthetic.motion import Motion
from synthetic.rotations import FloatArray
from synthetic.signals import wander
from synthetic.subject import Subject


@dataclass(frozen=True)
class Performing:
    """One person performing once.

    Args:
        subject: Who performs.
        rng: Source of what differs from one performance to the next.
        time: (T,), 0 where the action begins and 1 where it is over.
        size: How large the movements are, 1 being average.
        motion: The angles to add to; starts as the subject just standing there.
    """

    subject: Subject
    rng: np.random.Generator
    time: FloatArray
    size: float
    motion: Motion


def begin(subject: Subject, rng: np.random.Generator, time: FloatArray) -> Performing:
    """Let a subject stand in its own posture, swaying a little as people do."""
    motion = Motion(time.size)
    for channel, angle in subject.posture.items():
        motion.add(channel, angle + rng.normal(0, 2))
    sway = 1.2 * wander(rng, (time.size, len(subject.posture)), smooth=12)
    for channel, curve in zip(subject.posture, sway.T, strict=True):
        motion.add(channel, curve)
    motion.add('turn', 1.5 * wander(rng, (time.size,), smooth=15))
    size = subject.amplitude * float(np.clip(rng.normal(1, 0.08), 0.8, 1.2))
    return Performing(subject, rng, time, size, motion)
