"""What can be said about one sample alone, in one pass over its numbers."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from csre_mm.datasets.annotations import find_faults
from csre_mm.datasets.checks.finding import Finding

PIXELS = 10.0
"""Extent from which coordinates are no metres: pixels, millimetres or centimetres."""


@dataclass(slots=True)
class SampleFacts:
    """What the checks of the whole file need to know of a sample.

    Attributes:
        name: ``frame_dir``, or the position in the file if it has none.
        label: The class; None if it is none.
        shape: (M, T, V, C) of the skeleton; None if there is none.
        dtype: Of the skeleton.
        has_score: Whether there is a ``keypoint_score`` beside it.
        extent: Largest side of the first body in its first frame; NaN if it cannot be told.
        scored: Whether the third channel looks like a score beside two of pixels.
        digest: Equal for equal coordinates, whatever their dtype; None if they say nothing.
    """

    name: str | int
    label: int | None = None
    shape: tuple[int, int, int, int] | None = None
    dtype: str = ''
    has_score: bool = False
    extent: float = float('nan')
    scored: bool = False
    digest: bytes | None = None


def inspect_sample(annotation: Any, index: int) -> tuple[SampleFacts, list[Finding]]:
    """Look at one annotation, whatever it is.

    Args:
        annotation: An item of ``annotations``.
        index: Its position.
    """
    name = annotation.get('frame_dir') if isinstance(annotation, dict) else None
    facts = SampleFacts(name if isinstance(name, str) else index)
    faults = list(find_faults(annotation))
    findings = [Finding('error', 'structure', facts.name, *fault) for fault in faults]
    faulty = {fault.field for fault in faults}
    if 'annotation' in faulty:
        return facts, findings
    if 'label' not in faulty:
        facts.label = int(annotation['label'])
    if 'keypoint' not in faulty:
        keypoint = annotation['keypoint']
        facts.shape, facts.dtype = keypoint.shape, keypoint.dtype.name
        findings += _inspect_keypoint(keypoint, facts)
        facts.has_score = annotation.get('keypoint_score') is not None
        if facts.has_score and 'keypoint_score' not in faulty:
            findings += _inspect_score(annotation['keypoint_score'], facts.name)
    return facts, findings


def _inspect_keypoint(keypoint: np.ndarray, facts: SampleFacts) -> Iterator[Finding]:
    """Look at the coordinates (M, T, V, C) and add what they say to the facts."""
    name = facts.name
    with np.errstate(over='ignore', invalid='ignore'):
        x = np.ascontiguousarray(keypoint, np.float32)
    if not np.isfinite(x).all():
        yield _not_finite(name, 'keypoint', x)
        return
    there = x.any(axis=(2, 3))  # (M, T)
    if not there.any():
        yield Finding('error', 'empty', name, 'keypoint', 'is zero throughout', 'coordinates')
        return
    facts.digest = _digest(x)
    body = x[np.unravel_index(there.argmax(), there.shape)]  # (V, C)
    sides = np.ptp(body.astype(np.float64), axis=0)  # (C,)
    facts.extent = float(sides.max())
    if len(sides) == 3 and sides[:2].max() > PIXELS:
        facts.scored = bool(body[:, 2].min() >= 0 and body[:, 2].max() <= 1)
    if x.shape[1] > 1 and (x[:, 1:] == x[:, :1]).all():
        found = f'is the same in all {x.shape[1]} frames'
        yield Finding('warning', 'constant', name, 'keypoint', found, 'a body that moves')
    if x.shape[2] > 1 and not facts.extent and (x == x[:, :, :1]).all():
        found = f'has all {x.shape[2]} joints at one point'
        yield Finding('warning', 'constant', name, 'keypoint', found, 'a body with an extent')


def _inspect_score(score: np.ndarray, name: str | int) -> Iterator[Finding]:
    """Look at the scores of the joints (M, T, V)."""
    if not np.isfinite(score).all():
        yield _not_finite(name, 'keypoint_score', score)
    elif score.min() < 0 or score.max() > 1:
        found = f'runs from {score.min():g} to {score.max():g}'
        yield Finding('warning', 'units', name, 'keypoint_score', found, 'scores from 0 to 1')


def _not_finite(name: str | int, field: str, x: np.ndarray) -> Finding:
    places = np.argwhere(~np.isfinite(x))
    first = tuple(places[0].tolist())
    more = f' and {len(places) - 1:,} more numbers are not finite' if len(places) > 1 else ''
    found = f'is {x[first]} at {list(first)}{more}'
    return Finding('error', 'not finite', name, field, found, 'finite float32 numbers')


def _digest(x: np.ndarray) -> bytes:
    """A hash of float32 coordinates, equal for 0 and -0."""
    state = hashlib.blake2b(repr(x.shape).encode(), digest_size=16)
    state.update((x + np.float32(0)).data)
    return state.digest()
