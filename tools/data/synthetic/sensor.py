"""What goes wrong between the people and the file: noise, lost limbs, lost bodies, lost frames."""

from dataclasses import dataclass

import numpy as np

from synthetic.rotations import FloatArray
from synthetic.signals import wander

_NOISE = 0.006 * np.array([1] * 7 + [2.2] + [1] * 3 + [2.2] + [1, 1, 1.5, 2] * 2 + [1] + [3] * 4)
"""Metres (25,), standard deviation of each joint 2.5 m away; hands, tips, thumbs and feet more."""

_LIMBS = ((5, 6, 7, 21, 22), (9, 10, 11, 23, 24), (13, 14, 15), (17, 18, 19))
_TRACKED, _INFERRED = 2, 1
_HIDDEN_BEYOND = 0.14
"""Metres by which a shoulder is farther than the other before its arm is hidden now and then."""


@dataclass(frozen=True)
class Sensed:
    """What the sensor delivers.

    Args:
        joints: (M, T, 25, 3) in metres, in the camera's coordinates.
        tracking: (M, T, 25), 2 for a joint that was seen, 1 for one that was guessed.
        present: (M, T), whether the body is in the frame.
    """

    joints: FloatArray
    tracking: np.ndarray
    present: np.ndarray


def sense(rng: np.random.Generator, joints: FloatArray) -> Sensed:
    """Look at people (M, T, 25, 3), given in metres in the camera's coordinates."""
    seen = joints.copy()
    tracking = np.full(joints.shape[:3], _TRACKED)
    for body, states in zip(seen, tracking, strict=True):
        _hide_far_arm(rng, body, states)
        for _ in range(rng.poisson(0.6)):
            _lose_limb(rng, body, states)
        body += _noise(rng, body, states)
    return Sensed(seen, tracking, _draw_presence(rng, *joints.shape[:2]))


def _noise(rng: np.random.Generator, body: FloatArray, states: np.ndarray) -> FloatArray:
    """Errors (T, 25, 3) in metres that grow with the distance, part drifting, part jumping."""
    distance = body[:, :, 2:] / 2.5
    errors = 0.8 * wander(rng, body.shape, smooth=3) + 0.5 * rng.standard_normal(body.shape)
    guessed = np.where(states == _INFERRED, 2.0, 1.0)[..., None]
    return errors * _NOISE[:, None] * guessed * distance**2


def _hide_far_arm(rng: np.random.Generator, body: FloatArray, states: np.ndarray) -> None:
    """Seen from the side, the far arm is guessed for a while to move like the near one."""
    behind = (body[:, 4, 2] - body[:, 8, 2]).mean()
    if abs(behind) < _HIDDEN_BEYOND or rng.random() < 0.4:
        return
    far, near = (4, 8) if behind > 0 else (8, 4)
    num_frames = body.shape[0]
    start, end = np.sort(rng.integers(0, num_frames + 1, 2))
    fade = np.clip(np.minimum(np.arange(num_frames) - start, end - np.arange(num_frames)) / 4, 0, 1)
    hidden = _LIMBS[0] if far == 4 else _LIMBS[1]
    shown = _LIMBS[1] if far == 4 else _LIMBS[0]
    share = rng.uniform(0.2, 0.9) * fade[:, None, None]
    guess = body[:, shown] - body[:, [near]] + body[:, [far]]
    body[:, hidden] += share * (guess - body[:, hidden])
    states[np.ix_(fade > 0, hidden)] = _INFERRED


def _lose_limb(rng: np.random.Generator, body: FloatArray, states: np.ndarray) -> None:
    """Let the tracker put one limb somewhere else for a few frames."""
    limb = np.array(_LIMBS[rng.integers(len(_LIMBS))])
    length = int(rng.integers(2, 9))
    start = int(rng.integers(0, max(1, body.shape[0] - length)))
    frames = slice(start, start + length)
    reach = np.linspace(0.5, 1.2, limb.size)[:, None]
    body[frames, limb] += reach * rng.normal(0, 0.12, 3) + rng.normal(
        0, 0.02, (min(length, body.shape[0] - start), limb.size, 3)
    )
    states[frames, limb] = _INFERRED


def _draw_presence(rng: np.random.Generator, num_bodies: int, num_frames: int) -> np.ndarray:
    """Which bodies are in which frames, (M, T)."""
    present = np.ones((num_bodies, num_frames), dtype=bool)
    if num_bodies > 1 and rng.random() < 0.3:
        present[1, : rng.integers(3, num_frames // 3)] = False
    if rng.random() < 0.15:
        present[:, rng.choice(np.arange(1, num_frames), rng.integers(1, 5), replace=False)] = False
    if rng.random() < 0.04:
        present[:, : rng.integers(1, 6)] = False
    return present
