"""What can be said about the samples of a file together."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence

import numpy as np

from csre_mm.datasets.checks.finding import Finding
from csre_mm.datasets.checks.samples import PIXELS, SampleFacts

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
