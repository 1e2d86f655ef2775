"""What can be said about one sample alone, in one pass over its numbers."""

import hashlib
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from csre_mm.datasets.annotations import find_faults
from csre_mm.datasets.plain_values import brief

Severity = Literal['error', 'warning']


@dataclass(frozen=True)
class Finding:
    """Something that is wrong with an annotation file.

    Attributes:
        severity: ``'error'`` if it ends a run or makes its result worthless, ``'warning'`` if the
            run goes through and is worse for it.
        kind: What findings are grouped by.
        sample: The sample's ``frame_dir``, or its position in the file if it has none; None if it
            concerns no single sample.
        field: Field of the annotation, split or config key.
        found: What is there, to be read after the field: 'is -1'.
        expected: What should be there: 'an integer from 0'.
    """

    severity: Severity
    kind: str
    sample: str | int | None
    field: str
    found: str
    expected: str

    def __str__(self) -> str:
        where = '' if self.sample is None else f'sample {brief(self.sample)}: '
        return f'{where}{self.field} {self.found}, expected {self.expected}'


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


OUTLIER = 100.0
"""Factor by which the extent of a sample is that of other units: metres and millimetres differ by
1,000, normalised coordinates and pixels by some hundred."""


def check_consistency(facts: Sequence[SampleFacts]) -> Iterator[Finding]:
    """Look for samples that do not go with the others, and for labels and units as a whole."""
    yield from _check_names(facts)
    yield from _check_same(facts, 'joints', lambda s: s.shape and s.shape[2])
    yield from _check_same(facts, 'channels', lambda s: s.shape and s.shape[3])
    yield from _check_same(facts, 'keypoint_score', lambda s: s.has_score if s.shape else None)
    yield from _check_dtypes(facts)
    yield from _check_units(facts)
    labels = {s.label for s in facts if s.label is not None}
    if labels and min(labels) == 1:
        found = f'runs from 1 to {max(labels)}'
        yield Finding('warning', 'labels', None, 'label', found, 'classes that start at 0')


def majority(values: Sequence[Hashable]) -> Hashable:
    """The most frequent value, or None."""
    return Counter(values).most_common(1)[0][0] if values else None


def _check_names(facts: Sequence[SampleFacts]) -> Iterator[Finding]:
    seen: set[str] = set()
    for sample in facts:
        if not isinstance(sample.name, str):
            continue
        if sample.name in seen:
            yield Finding(
                'error', 'names', sample.name, 'frame_dir', 'comes again', 'each name once'
            )
        seen.add(sample.name)


def _check_same(
    facts: Sequence[SampleFacts], what: str, value_of: Callable[[SampleFacts], Hashable]
) -> Iterator[Finding]:
    """Samples of different joints or channels cannot be in one batch."""
    values = [value_of(sample) for sample in facts]
    usual = majority([value for value in values if value is not None])
    for sample, value in zip(facts, values, strict=True):
        if value in (None, usual):
            continue
        if what == 'keypoint_score':
            found, expected = ('is there', 'none') if value else ('is missing', 'one')
            field, expected = what, f'{expected} as in most samples'
        else:
            field, found, expected = 'keypoint', f'has {value} {what}', f'{usual} as most samples'
        yield Finding('error', 'shape', sample.name, field, found, expected)


def _check_dtypes(facts: Sequence[SampleFacts]) -> Iterator[Finding]:
    """Integers are cut off by transforms that write into them; float64 doubles the memory."""
    usual = majority([sample.dtype for sample in facts if sample.shape])
    if isinstance(usual, str) and 'int' in usual:
        found = f'of most samples is {usual}'
        expected = 'float32: transforms that write in place, as PreNormalize2D, would round'
        yield Finding('warning', 'dtype', None, 'keypoint', found, expected)
    for sample in facts:
        if sample.shape and sample.dtype != usual:
            found, expected = f'is {sample.dtype}', f'{usual} as most samples'
            yield Finding('warning', 'dtype', sample.name, 'keypoint', found, expected)


def is_spatial(sample: SampleFacts) -> bool:
    """Whether coordinates are three of space, and no score is among them."""
    return (
        sample.shape is not None
        and sample.shape[3] == 3
        and not (sample.has_score or sample.scored)
    )


def _check_units(facts: Sequence[SampleFacts]) -> Iterator[Finding]:
    known = [sample for sample in facts if sample.extent > 0]  # NaN is not
    if not known:
        return
    usual = float(np.median([sample.extent for sample in known]))
    spatial = majority([is_spatial(sample) for sample in known])
    if spatial and usual > PIXELS:
        found = f'of the median body spans {usual:,.0f}'
        expected = '1 to 2 metres; these look like millimetres or centimetres'
        yield Finding('warning', 'units', None, 'keypoint', found, expected)
    for sample in known:
        if not 1 / OUTLIER < sample.extent / usual < OUTLIER:
            found = f'spans {sample.extent:.3g}'
            expected = f'the units of the other samples, whose median is {usual:.3g}'
            yield Finding('warning', 'units', sample.name, 'keypoint', found, expected)
