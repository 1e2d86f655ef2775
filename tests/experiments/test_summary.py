import numpy as np
import pytest

from csre_mm.experiments.summary import summarise
from tests.experiments.made_results import experiment, make_results


def pick(rows, variant, subset='val', checkpoint='last', stream='j'):
    (row,) = (
        row
        for row in rows
        if (row.variant, row.subset, row.checkpoint, row.stream)
        == (variant, subset, checkpoint, stream)
    )
    return row


def test_means_and_differences_are_those_of_the_pairs():
    rows = summarise(make_results())
    baseline, csre = pick(rows, 'baseline'), pick(rows, 'csre')
    assert baseline.accuracies == (6 / 8, 4 / 8, 5 / 8) and baseline.difference is None
    assert csre.accuracies == (6 / 8, 7 / 8, 5 / 8)
    assert csre.mean == pytest.approx(np.mean(csre.accuracies))
    assert csre.deviation == pytest.approx(np.std(csre.accuracies, ddof=1))
    assert csre.difference.mean == pytest.approx((0 + 3 / 8 + 0) / 3)
    assert csre.difference.interval.over_seeds
    assert csre.difference.interval.low <= 0 < csre.difference.interval.high


def test_a_subset_counts_its_samples_alone():
    rows = summarise(make_results())
    # Of the samples 2 to 7, those below the number of wrong ones are wrong.
    assert pick(rows, 'baseline', 'val_clean').accuracies == (1.0, 4 / 6, 5 / 6)
    assert pick(rows, 'csre', 'val_clean').accuracies == (1.0, 1.0, 5 / 6)


def test_the_best_epoch_is_a_row_of_its_own():
    rows = summarise(make_results())
    assert pick(rows, 'baseline', checkpoint='best').accuracies == (7 / 8,) * 3
    assert pick(rows, 'csre', checkpoint='best').difference.mean == pytest.approx(1 / 8)
    order = [(row.subset, row.checkpoint) for row in rows]
    assert list(dict.fromkeys(order)) == [
        ('val', 'last'),
        ('val', 'best'),
        ('val_clean', 'last'),
        ('val_clean', 'best'),
    ]


def test_a_variant_is_compared_over_the_seeds_that_both_have():
    light = pick(summarise(make_results()), 'light')
    assert light.seeds == (1,) and light.deviation is None
    assert light.difference.before == (4 / 8,) and light.difference.after == (1.0,)


def test_a_variant_without_a_baseline_has_no_difference():
    results = make_results()
    results.experiments.append(experiment('csre', 7, 0, 0, stream='b'))
    assert pick(summarise(results), 'csre', stream='b').difference is None
