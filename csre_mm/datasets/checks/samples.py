"""Checks of single samples, and of samples against each other."""

import hashlib
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from csre_mm.datasets.sample_faults import find_faults, find_number_faults
from csre_mm.datasets.valid_joints import PIXELS, body_extent, valid_joints
from csre_mm.utils.plain_values import brief

Severity = Literal['error', 'warning']


@dataclass(frozen=True)
class Finding:
    """Something that is wrong with an annotation file.

    An error ends a run or makes its result worthless, a warning makes the result worse.
    """

    severity: Severity
    kind: str  # the group of the finding
    sample: str | int | None  # its ``frame_dir``, or its position; None if it is no single one
    field: str  # of the annotation, split or config key
    found: str  # to be read after the field: 'is -1'
    expected: str  # 'an integer from 0'

    def __str__(self) -> str:
        where = '' if self.sample is None else f'sample {brief(self.sample)}: '
        return f'{where}{self.field} {self.found}, expected {self.expected}'


OUTLIER = 100.0
"""A sample whose extent differs by this factor has other units: metres and millimetres differ by
1,000, normalised coordinates and pixels by some hundred."""
UNDETECTED = 0.1
"""A larger fraction of joints that were not detected is worth a look at the detector."""
OUTSIDE = 0.1
"""A larger fraction of joints outside of the image is no body at its edge."""


@dataclass(slots=True)
class SampleFacts:
    """The properties of a sample that the checks of the whole file use."""

    name: str | int  # ``frame_dir``, or the position in the file if it has none
    label: int | None = None  # None if it is invalid
    shape: tuple[int, int, int, int] | None = None  # (M, T, V, C); None if it is invalid
    dtype: str = ''
    has_score: bool = False
    extent: float = float('nan')  # largest side of the first body in its first frame
    scored: bool = False  # whether the third channel looks like the score of a joint in pixels
    digest: bytes | None = None  # equal for equal coordinates, whatever their dtype
    expected: int = 0  # joints of the persons who are present, over all frames
    undetected: int = 0  # those of them that were not detected
    never: frozenset[int] = frozenset()  # joints that no frame has

    @property
    def is_spatial(self) -> bool:
        """Whether the channels are three coordinates of space, and none is a score."""
        has_three = self.shape is not None and self.shape[3] == 3
        return has_three and not (self.has_score or self.scored)


def inspect_sample(annotation: Any, index: int) -> tuple[SampleFacts, list[Finding]]:
    """Check an item of ``annotations``, whatever it is, at its position."""
    name = annotation.get('frame_dir') if isinstance(annotation, dict) else None
    facts = SampleFacts(name if isinstance(name, str) else index)
    faults = list(find_faults(annotation))
    findings = [Finding('error', 'structure', facts.name, *fault) for fault in faults]
    faulty = {field for field, _, _ in faults}
    if 'annotation' in faulty:
        return facts, findings
    if 'label' not in faulty:
        facts.label = int(annotation['label'])
    if 'keypoint' in faulty:
        return facts, findings
    keypoint, score = annotation['keypoint'], annotation.get('keypoint_score')
    facts.shape, facts.dtype = keypoint.shape, keypoint.dtype.name
    facts.has_score = score is not None
    score = None if 'keypoint_score' in faulty else score
    wrong = list(find_number_faults({'keypoint': keypoint, 'keypoint_score': score}))
    findings += [Finding('error', kind, facts.name, *fault) for kind, fault in wrong]
    if not wrong:
        x = np.ascontiguousarray(keypoint, np.float32) + np.float32(0)  # -0 is 0
        size = None if 'img_shape' in faulty else annotation.get('img_shape')
        findings += _inspect_numbers(x, score, size, facts)
    return facts, findings


def _inspect_numbers(
    x: np.ndarray, score: np.ndarray | None, size: Sequence[float] | None, facts: SampleFacts
) -> Iterator[Finding]:
    """Check finite coordinates (M, T, V, C) and add their properties to the facts."""
    name, frames, joints = facts.name, x.shape[1], x.shape[2]
    facts.digest = _digest(x)
    valid = valid_joints(x, score)  # (M, T, V)
    present = valid.any(axis=2)
    facts.expected = int(present.sum()) * joints
    facts.undetected = facts.expected - int(valid.sum())
    facts.never = frozenset(np.flatnonzero(~valid.any(axis=(0, 1))).tolist())
    facts.extent = body_extent(x, valid)
    if x.shape[3] == 3 and facts.extent > PIXELS:
        facts.scored = bool(0 <= x[..., 2].min() <= x[..., 2].max() <= PIXELS)
    if frames > 1 and (x[:, 1:] == x[:, :1]).all():
        found = f'is the same in all {frames} frames'
        yield Finding('warning', 'constant', name, 'keypoint', found, 'a body that moves')
    if joints > 1 and not facts.extent and (x == x[:, :, :1]).all():
        found = f'has all {joints} joints at one point'
        yield Finding('warning', 'constant', name, 'keypoint', found, 'a body with an extent')
    if score is not None and (score.min() < 0 or score.max() > 1):
        found = f'runs from {score.min():g} to {score.max():g}'
        yield Finding('warning', 'units', name, 'keypoint_score', found, 'scores from 0 to 1')
    if size is None or facts.is_spatial:
        return
    (height, width), places = size, x[valid][:, :2]
    outside = ((places < 0) | (places > (width, height))).any(axis=1).mean()
    if outside > OUTSIDE:
        found = f'has {outside:.0%} of the joints outside of its image of {height:g} x {width:g}'
        expected = 'pixels x, y, and img_shape as (height, width)'
        yield Finding('warning', 'units', name, 'keypoint', found, expected)


def _digest(x: np.ndarray) -> bytes:
    state = hashlib.blake2b(repr(x.shape).encode(), digest_size=16)
    state.update(x.data)
    return state.digest()


def check_consistency(facts: Sequence[SampleFacts]) -> Iterator[Finding]:
    """Find samples that differ from the others, and labels and units that look wrong in all."""
    counts = Counter(sample.name for sample in facts if isinstance(sample.name, str))
    for name in (name for name, count in counts.items() if count > 1):
        yield Finding('error', 'names', name, 'frame_dir', 'comes again', 'each name once')
    yield from _check_shapes(facts)
    yield from _check_dtypes(facts)
    yield from _check_units(facts)
    yield from _check_undetected(facts)
    labels = {sample.label for sample in facts if sample.label is not None}
    if labels and min(labels) == 1:
        found = f'runs from 1 to {max(labels)}'
        expected = 'classes that start at 0: subtract 1'
        yield Finding('warning', 'labels', None, 'label', found, expected)


def majority(values: Sequence[Hashable]) -> Any:
    """The most frequent value, or None."""
    return Counter(values).most_common(1)[0][0] if values else None


def _unusual(
    facts: Sequence[SampleFacts], value_of: Callable[[SampleFacts], Any]
) -> Iterator[tuple[SampleFacts, Any, Any]]:
    """Samples with another value than most, that value, and the value of most."""
    shaped = [sample for sample in facts if sample.shape]
    usual = majority([value_of(sample) for sample in shaped])
    for sample in shaped:
        if value_of(sample) != usual:
            yield sample, value_of(sample), usual


def _check_shapes(facts: Sequence[SampleFacts]) -> Iterator[Finding]:
    """Samples of different joints or channels cannot be in one batch."""
    sizes: dict[str, Callable] = {'joints': lambda s: s.shape[2], 'channels': lambda s: s.shape[3]}
    for what, size_of in sizes.items():
        for sample, value, usual in _unusual(facts, size_of):
            found, expected = f'has {value} {what}', f'{usual} as most samples'
            yield Finding('error', 'shape', sample.name, 'keypoint', found, expected)
    for sample, has_score, _ in _unusual(facts, lambda s: s.has_score):
        found, expected = ('is present', 'none') if has_score else ('is missing', 'one')
        expected = f'{expected} as in most samples'
        yield Finding('error', 'shape', sample.name, 'keypoint_score', found, expected)


def _check_dtypes(facts: Sequence[SampleFacts]) -> Iterator[Finding]:
    """Integers are cut off by transforms that write into them; float64 doubles the memory."""
    usual = majority([sample.dtype for sample in facts if sample.shape])
    if usual and 'int' in usual:
        found = f'of most samples is {usual}'
        expected = 'float32: transforms that write in place, as PreNormalize2D, would round'
        yield Finding('warning', 'dtype', None, 'keypoint', found, expected)
    for sample, dtype, _ in _unusual(facts, lambda s: s.dtype):
        expected = f'{usual} as most samples'
        yield Finding('warning', 'dtype', sample.name, 'keypoint', f'is {dtype}', expected)


def _check_units(facts: Sequence[SampleFacts]) -> Iterator[Finding]:
    known = [sample for sample in facts if sample.extent > 0]  # NaN is not
    if not known:
        return
    usual = float(np.median([sample.extent for sample in known]))
    if usual > PIXELS and majority([sample.is_spatial for sample in known]):
        found = f'of the median body spans {usual:,.0f}'
        expected = '1 to 2 metres; these look like millimetres or centimetres'
        yield Finding('warning', 'units', None, 'keypoint', found, expected)
    for sample in known:
        if not 1 / OUTLIER < sample.extent / usual < OUTLIER:
            found = f'spans {sample.extent:.3g}'
            expected = f'the units of the other samples, whose median is {usual:.3g}'
            yield Finding('warning', 'units', sample.name, 'keypoint', found, expected)


def _check_undetected(facts: Sequence[SampleFacts]) -> Iterator[Finding]:
    """Joints at zero or with the score zero, of persons who are present."""
    known = [sample for sample in facts if sample.expected]
    if not known:
        return
    lost = sum(sample.undetected for sample in known) / sum(sample.expected for sample in known)
    if lost > UNDETECTED:
        worst = max(known, key=lambda sample: sample.undetected / sample.expected)
        found = (
            f'lacks {100 * lost:.1f} % of the joints (zeros, or score 0), in sample '
            f'{brief(worst.name)} {100 * worst.undetected / worst.expected:.1f} %'
        )
        expected = f'at most {100 * UNDETECTED:.0f} %: their bones and motion are zero'
        yield Finding('warning', 'undetected', None, 'keypoint', found, expected)
    for joint in sorted(frozenset.intersection(*(sample.never for sample in known))):
        found = f'has joint {joint} at zero in all samples'
        expected = (
            'coordinates: it counts as not detected; if the others are relative to it, add a '
            'number to all coordinates, CenterSkeleton subtracts it'
        )
        yield Finding('warning', 'undetected', None, 'keypoint', found, expected)
