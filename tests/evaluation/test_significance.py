import math

import numpy as np
import pytest

from csre_mm.evaluation.comparison import Comparison
from csre_mm.evaluation.significance import (
    Interval,
    bootstrap,
    mcnemar,
    measure_difference,
    say_verdict,
    seed_error,
)


def column(lost, gained, same):
    return np.repeat([-1, 1, 0], [lost, gained, same])


@pytest.mark.parametrize(('lost', 'gained'), [(0, 1), (1, 9), (9, 1), (7, 7), (3, 12), (40, 71)])
def test_mcnemar_equals_a_sum_of_binomials(lost, gained):
    n, k = lost + gained, min(lost, gained)
    expected = min(1.0, 2 * sum(math.comb(n, i) for i in range(k + 1)) / 2**n)
    assert mcnemar(column(lost, gained, 5)) == (lost, gained, pytest.approx(expected, rel=1e-9))


def test_mcnemar_of_runs_that_are_right_on_the_same_samples():
    assert mcnemar(column(0, 0, 5)) == (0, 0, 1.0)


def naive_bootstrap(difference, resamples):
    rng = np.random.default_rng(1)
    samples = difference.shape[1]
    drawn = [difference[:, rng.integers(samples, size=samples)].mean() for _ in range(resamples)]
    return np.quantile(drawn, [0.025, 0.975])


@pytest.mark.parametrize('seeds', [1, 2, 3, 5])
def test_bootstrap_equals_one_that_draws_the_samples(seeds):
    rng = np.random.default_rng(seeds)
    difference = np.sign(np.round(rng.normal(0.1, 0.6, (seeds, 200)))).astype(np.int8)
    if seeds > 2:  # the runs have equal means: no error comes from the seeds
        difference = np.stack([np.roll(difference[0], 17 * i) for i in range(seeds)])
    found = bootstrap(difference, 20_000)
    assert found.over_seeds == (seeds >= 3)
    expected = naive_bootstrap(difference, 10_000)
    width = expected[1] - expected[0]
    np.testing.assert_allclose(found[:2], expected, atol=0.05 * width)


def test_the_error_of_the_seeds_is_that_of_the_analysis_of_variance():
    rng = np.random.default_rng(0)
    S, N = 4, 300
    difference = rng.normal(size=(S, N)) + 0.3 * rng.normal(size=(S, 1)) + rng.normal(size=N)
    total = ((difference - difference.mean()) ** 2).sum()
    of_seeds = N * ((difference.mean(1) - difference.mean()) ** 2).sum()
    of_samples = S * ((difference.mean(0) - difference.mean()) ** 2).sum()
    rest = (total - of_seeds - of_samples) / ((S - 1) * (N - 1))
    expected = math.sqrt((of_seeds / (S - 1) - rest) / N / S)
    assert seed_error(difference.T, np.ones(N, int)) == pytest.approx(expected)
    assert seed_error(difference[:2].T, np.ones(N, int)) == 0
    equal = np.stack([np.roll(difference[0], i) for i in range(S)])
    assert seed_error(equal.T, np.ones(N, int)) == 0
    found = bootstrap(np.sign(difference).astype(np.int8) + np.arange(S)[:, None])
    assert found.high - found.low > 2 * 3.18 * 0.95 * np.arange(S).std(ddof=1) / math.sqrt(S)


def test_runs_that_differ_as_a_whole_have_students_interval():
    """The end does not depend on the draws: t of 2 degrees of freedom is 4.303 at 97.5 %."""
    difference = np.repeat([[1], [0], [-1]], 50, axis=1)
    for seed in range(3):
        found = bootstrap(difference, seed=seed)
        assert (found.low, found.high) == pytest.approx((-4.3027 / 3**0.5, 4.3027 / 3**0.5), 0.002)


def test_bootstrap_of_one_seed_is_near_the_normal_interval():
    difference = column(300, 400, 9300)[None]
    spread = 1.96 * difference.std() / math.sqrt(difference.size)
    found = bootstrap(difference)
    assert found.low == pytest.approx(0.01 - spread, abs=0.03 * spread)
    assert found.high == pytest.approx(0.01 + spread, abs=0.03 * spread)
    assert not found.contains_zero


def test_bootstrap_repeats_and_depends_on_the_seed_alone():
    difference = np.random.default_rng(0).integers(-1, 2, (4, 50))
    assert bootstrap(difference) == bootstrap(difference)
    assert bootstrap(difference, 11) != bootstrap(difference, 11, seed=1)
    shuffled = difference[:, np.random.default_rng(1).permutation(50)]
    assert bootstrap(difference) == bootstrap(shuffled)


def test_bootstrap_in_pieces(monkeypatch):
    difference = np.random.default_rng(0).integers(-1, 2, (3, 50))
    whole = bootstrap(difference)
    monkeypatch.setattr('csre_mm.evaluation.significance._MOST_NUMBERS', 1000)
    pieces = bootstrap(difference)
    np.testing.assert_allclose(pieces[:2], whole[:2], atol=0.03)


@pytest.mark.parametrize('seeds', [1, 3])
def test_an_end_at_0_contains_0(seeds):
    """Sums of integers: rounding does not hide 0."""
    assert bootstrap(np.zeros((seeds, 30), np.int8)) == Interval(0.0, 0.0, seeds >= 3)
    assert Interval(0.0, 0.1, False).contains_zero
    assert not Interval(1e-9, 0.1, False).contains_zero


@pytest.mark.parametrize(
    ('seeds', 'spread', 'least', 'most'),
    [(1, 0, 180, 199), (3, 0, 180, 199), (3, 0.02, 175, 199), (10, 0.02, 180, 199)],
)
def test_the_interval_covers_as_often_as_it_says(seeds, spread, least, most):
    """About 190 of 200 intervals contain the true difference of 0.05.

    Each sample has an effect, too, in all runs; the seeds' effects have a standard deviation.
    """
    rng = np.random.default_rng(0)
    hits = 0
    for i in range(200):
        effects = 0.05 + rng.normal(0, spread, (seeds, 1)) + rng.choice([-0.15, 0.15], size=400)
        difference = (rng.random((seeds, 400)) < 0.25 + effects / 2).astype(np.int8)
        difference -= rng.random((seeds, 400)) < 0.25 - effects / 2
        found = bootstrap(difference, 1000, seed=i)
        hits += found.low <= 0.05 <= found.high
    assert least <= hits <= most


def comparison(before, after):
    before, after = np.array(before), np.array(after)
    names = [str(i) for i in range(before.shape[1])]
    return Comparison(names, np.zeros(before.shape[1], np.int64), 2, before, after)


def test_difference_by_hand():
    found = measure_difference(
        comparison([[0, 0, 1, 1], [0, 1, 1, 1]], [[0, 0, 0, 0], [0, 0, 1, 1]])
    )
    assert found.before == (0.5, 0.25) and found.after == (1.0, 0.5)
    assert found.mean == 0.375
    assert found.deviation == pytest.approx(math.sqrt(2) * 0.125)
    assert found.tests == ((0, 2, 0.5), (0, 1, 1.0))
    assert measure_difference(comparison([[0, 1]], [[0, 1]])).deviation is None


@pytest.mark.parametrize(
    ('low', 'high', 'mean', 'seeds', 'expected'),
    [
        (-0.1, 0.2, 0.05, 1, 'The interval contains 0: no difference in accuracy is shown. Other '
         'seeds may give another answer: the interval covers the choice of the samples'),
        (0.1, 0.2, 0.15, 1, 'The interval leaves out 0: the accuracy of this run of csre is higher '
         'than that of this run of base on samples like these. Other seeds may give another'),
        (0.1, 0.2, 0.15, 2, 'these 2 runs of csre is higher than that of these 2 runs of base'),
        (-0.2, -0.1, -0.15, 3, 'csre is lower than that of base on samples like these.'),
        (0.0, 0.2, 0.1, 12, 'The interval contains 0: no difference in accuracy is shown.'),
    ],
)  # fmt: skip
def test_the_verdict_does_not_overstate(low, high, mean, seeds, expected):
    found = measure_difference(comparison([[0, 1]] * seeds, [[0, 0]] * seeds))
    found = found._replace(mean=mean, interval=Interval(low, high, seeds >= 3))
    assert expected in say_verdict(found, 'base', 'csre')
    assert ('higher' in say_verdict(found, 'base', 'csre')) == (low > 0)
