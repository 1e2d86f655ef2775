"""Whether two models differ by more than chance: McNemar's test and a bootstrap interval.

N is the number of samples, S of seeds. Run s of the one model is paired with run s of the other,
and the models are compared sample by sample.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import scipy  # which imports its stats, and that takes half a second, when they are used

from csre_mm.evaluation.comparison import Comparison

RESAMPLES = 10_000
CONFIDENCE = 0.95
LEAST_SEEDS = 3
"""Seeds from which on the interval covers their choice, too."""
_MOST_NUMBERS = 4_000_000
"""Numbers that the bootstrap holds at a time, at most."""


class McNemar(NamedTuple):
    """McNemar's test of two runs: exact, two-sided, on the samples that only one of them has right.

    Attributes:
        only_before: Samples that only the first run has right.
        only_after: Samples that only the second run has right.
        p_value: 1 if there are none of either.
    """

    only_before: int
    only_after: int
    p_value: float


class Interval(NamedTuple):
    """A 95 % interval of the mean difference in top-1 accuracy, as fractions."""

    low: float
    high: float
    over_seeds: bool  # whether it covers the choice of the seeds as well as that of the samples

    @property
    def contains_zero(self) -> bool:
        """Whether no difference is shown."""
        return self.low <= 0 <= self.high


class Difference(NamedTuple):
    """How the top-1 accuracies of two models differ.

    Attributes:
        before: Top-1 of the runs of the first model (S,).
        after: Those of the second.
        mean: Mean of after minus before.
        deviation: Standard deviation of after minus before over the seeds; None for one seed.
        interval: Of the mean.
        tests: McNemar's test of each pair of runs. The pairs are of the same samples, so the tests
            are not independent and cannot be pooled.
    """

    before: tuple[float, ...]
    after: tuple[float, ...]
    mean: float
    deviation: float | None
    interval: Interval
    tests: tuple[McNemar, ...]


def mcnemar(difference: np.ndarray) -> McNemar:
    """Test a pair of runs by a row (N,) of :attr:`Comparison.difference`."""
    lost, gained = int((difference < 0).sum()), int((difference > 0).sum())
    if not lost + gained:
        return McNemar(0, 0, 1.0)
    return McNemar(lost, gained, float(scipy.stats.binomtest(lost, lost + gained).pvalue))


def resample(
    differences: Sequence[np.ndarray], resamples: int = RESAMPLES, seed: int = 0
) -> list[np.ndarray]:
    """Draw mean differences of several models that were tested on the same N samples.

    Each resample draws N samples with replacement, the same for all models and seeds. Samples of
    equal columns are interchangeable, so the number of draws of each kind of column is drawn, which
    is the same and needs no (resamples, N). To a model with three seeds or more it adds what other
    seeds would change (:func:`seed_error` times Student's t of S - 1 degrees of freedom). Drawing
    seeds with replacement as well would count what is particular to a sample and a seed up to
    three times (Owen, The pigeonhole bootstrap, Ann. Appl. Stat. 1, 2007).

    Args:
        differences: Of each model (S, N), as :attr:`Comparison.difference`.
        resamples: R.
        seed: Of the draws.

    Returns:
        The mean differences of each model (R,).

    Example:
        >>> difference = np.array([[1, 0, 0, -1], [0, 0, 1, 1]])
        >>> [len(drawn) for drawn in resample([difference, difference[:1]], resamples=100)]
        [100, 100]
    """
    rng = np.random.default_rng(seed)
    columns = np.concatenate(differences)
    num_samples = columns.shape[1]
    kinds, counts = np.unique(columns.T, axis=0, return_counts=True)  # (U, S of all), (U,)
    ends = np.cumsum([len(difference) for difference in differences])[:-1]
    # The tails of t are heavy: with random draws of it the ends of an interval were 0.2 points off.
    steps = (np.arange(resamples) + 0.5) / resamples
    shifts = []  # of each model, that of other seeds (R,)
    for own in np.split(kinds, ends, axis=1):
        error = seed_error(own, counts)
        quantiles = scipy.stats.t.ppf(rng.permutation(steps), own.shape[1] - 1) if error else 0
        shifts.append(np.broadcast_to(error * quantiles, resamples))
    size = max(1, _MOST_NUMBERS // len(kinds))
    parts = []
    for first in range(0, resamples, size):
        count = min(size, resamples - first)
        draws = rng.multinomial(num_samples, counts / num_samples, size=count)  # (R, U)
        totals = draws @ kinds.astype(np.int64)  # (R, S of all): integers, so that 0 is 0
        of_models = []
        for of_runs, shift in zip(np.split(totals, ends, axis=1), shifts, strict=True):
            means = of_runs.sum(axis=1) / (num_samples * of_runs.shape[1])
            of_models.append(means + shift[first : first + count])
        parts.append(of_models)
    return [np.concatenate(means) for means in zip(*parts, strict=True)]


def seed_error(kinds: np.ndarray, counts: np.ndarray) -> float:
    """The standard error of a mean difference that comes from the choice of the S seeds.

    The differences are taken as effect of the sample + effect of the seed + rest. By the analysis
    of variance the variance of the seeds' effects is (M - m) / N, with N times the variance of the
    runs' means M and the mean square of the rest m, and at least 0.

    Args:
        kinds: Differences (U, S) of the samples of each kind.
        counts: Samples of each kind (U,).

    Returns:
        The error, 0 for fewer than three seeds.
    """
    num_samples, num_seeds = counts.sum(), kinds.shape[1]
    if num_seeds < LEAST_SEEDS or num_samples < 2:
        return 0.0
    means = counts @ kinds / num_samples  # of the runs (S,)
    rest = kinds - kinds.mean(axis=1, keepdims=True) - (means - means.mean())
    of_rest = (counts @ rest**2).sum() / ((num_samples - 1) * (num_seeds - 1))
    of_seeds = num_samples * means.var(ddof=1)
    return float(np.sqrt(max(of_seeds - of_rest, 0.0) / (num_samples * num_seeds)))


def interval_of(drawn: np.ndarray) -> tuple[float, float]:
    """The ends of the 95 % percentile interval of resampled values (R,)."""
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return float(low), float(high)


def bootstrap(difference: np.ndarray, resamples: int = RESAMPLES, seed: int = 0) -> Interval:
    """Percentile interval of the mean difference (S, N) of one model, by :func:`resample`."""
    low, high = interval_of(resample([difference], resamples, seed)[0])
    return Interval(low, high, len(difference) >= LEAST_SEEDS)


def measure_difference(comparison: Comparison) -> Difference:
    """Compare the accuracies of two models.

    Example:
        >>> before, after = load_scores('baseline.pkl'), load_scores('csre.pkl')
        >>> found = measure_difference(compare({'baseline': before}, {'csre': after}))
        >>> found.mean, found.tests[0].p_value
        (0.25, 0.25)
    """
    before, after = comparison.accuracies
    difference = comparison.difference
    return Difference(
        tuple(before.tolist()),
        tuple(after.tolist()),
        float(difference.mean()),
        float((after - before).std(ddof=1)) if len(before) > 1 else None,
        bootstrap(difference),
        tuple(mcnemar(row) for row in difference),
    )


def say_verdict(difference: Difference, before: str, after: str) -> str:
    """Say in words what the interval shows, and what it does not cover; by the models' names."""
    seeds, over_seeds = len(difference.before), difference.interval.over_seeds
    runs = '' if over_seeds else 'this run of ' if seeds == 1 else f'these {seeds} runs of '
    if difference.interval.contains_zero:
        verdict = 'The interval contains 0: no difference in accuracy is shown.'
    else:
        word = 'higher' if difference.mean > 0 else 'lower'
        verdict = (
            f'The interval leaves out 0: the accuracy of {runs}{after} is {word} than that of '
            f'{runs}{before} on samples like these.'
        )
    if over_seeds:
        return verdict
    return (
        f'{verdict} Other seeds may give another answer: the interval covers the choice of the '
        f'samples, and with {LEAST_SEEDS} pairs of runs or more that of the seeds, too.'
    )
