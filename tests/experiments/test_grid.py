from dataclasses import replace

import numpy as np
import pytest

from csre_mm.experiments.results import ExperimentResult
from csre_mm.utils.errors import InputError
from csre_mm.visualization.forest_figure import ForestRow, draw_forest
from results_pages.grid import pooled_changes
from results_pages.pages import change_table, experiment_tables
from tests.experiments.made_results import make_results

SIZES = {'nwucla': 40, 'utd_mhad': 10}


def made(encoder, data, wrong, seeds=(2,)):
    """Results of an encoder: by variant how many of its samples are wrong, for every seed."""
    size = SIZES[data]
    labels = np.arange(size) % 3
    experiments = []
    for variant, count in wrong.items():
        predicted = np.where(np.arange(size) < count, (labels + 1) % 3, labels).tolist()
        experiments += [
            ExperimentResult(
                f'{encoder}_{data}', variant, 'j', seed, dict(last=predicted, best=[0] * size)
            )
            for seed in seeds
        ]
    return make_results(
        names=[f'{i}' for i in range(size)],
        labels=labels.tolist(),
        experiments=experiments,
        subsets={},
    )


@pytest.fixture
def grid():
    return [
        made('hcn', 'nwucla', dict(baseline=20, csre=16, paper=20)),
        made('hcn', 'utd_mhad', dict(baseline=5, csre=6)),
        made('ctrgcn', 'nwucla', dict(baseline=10, csre=10), seeds=(2, 3, 4)),
        made('ctrgcn', 'utd_mhad', dict(baseline=2, csre=0)),
        made('blockgcn', 'nwucla', dict(baseline=10, csre=20)),
    ]


def test_samples_count_alike_and_so_do_encoders(grid):
    rows = {(row.encoder, len(row.data), row.data[0]): row for row in pooled_changes(grid, 'csre')}
    assert rows['HCN', 1, 'NW-UCLA'].mean == pytest.approx(4 / 40)
    assert rows['HCN', 1, 'UTD-MHAD'].mean == pytest.approx(-1 / 10)
    assert rows['HCN', 2, 'NW-UCLA'].mean == pytest.approx((4 - 1) / 50)
    assert rows['HCN', 2, 'NW-UCLA'].baseline == pytest.approx(25 / 50)
    assert rows['CTR-GCN', 2, 'NW-UCLA'].mean == pytest.approx(2 / 50)
    assert rows['CTR-GCN', 2, 'NW-UCLA'].seeds == (1, 3)
    assert ('BlockGCN', 2, 'NW-UCLA') not in rows  # it lacks a data set, also in the mean
    assert rows['mean of 2', 2, 'NW-UCLA'].mean == pytest.approx((3 / 50 + 2 / 50) / 2)
    assert rows['mean of 2', 1, 'UTD-MHAD'].mean == pytest.approx((-1 + 2) / 10 / 2)
    for row in rows.values():
        assert row.low <= row.mean <= row.high
    assert (rows['CTR-GCN', 1, 'NW-UCLA'].low, rows['CTR-GCN', 1, 'NW-UCLA'].high) == (0, 0)


def test_the_mean_draws_the_same_samples_for_all_encoders(grid):
    """Two encoders that are right on the same samples are no more evidence than one."""
    twice = [grid[0], grid[1], *(made('ctrgcn', data, wrong) for data, wrong in (
        ('nwucla', dict(baseline=20, csre=16)), ('utd_mhad', dict(baseline=5, csre=6))
    ))]  # fmt: skip
    rows = {(row.encoder, len(row.data)): row for row in pooled_changes(twice, 'csre')}
    one, both = rows['HCN', 2], rows['mean of 2', 2]
    assert (one.mean, one.low, one.high) == pytest.approx((both.mean, both.low, both.high))
    assert one.low < one.mean < one.high


def test_a_variant_that_was_not_run_has_no_row(grid):
    assert [row.data for row in pooled_changes(grid, 'paper')] == [('NW-UCLA',)]
    assert pooled_changes(grid, 'light') == [] == pooled_changes([], 'csre')


def test_the_tables(grid):
    lines = change_table(pooled_changes(grid, 'csre')).splitlines()
    assert lines[2].startswith('| HCN | NW-UCLA | csre | 1 | 50.00 | +10.00 | ')
    assert '| CTR-GCN | NW-UCLA + UTD-MHAD | csre | 1 to 3 | ' in '\n'.join(lines)
    tables = experiment_tables(grid)
    assert tables.count('**HCN, NW-UCLA**') == 5 and 'best' not in tables


def test_a_forest_plot(tmp_path):
    whole = [ForestRow('A', 1, 0, 2), ForestRow('both', 1, 0.5, 1.5, total=True)]
    panels = {'one': {'HCN': whole, 'mean': whole[:1]}, 'two': {'HCN': whole[1:]}}
    draw_forest(panels, 'change', tmp_path / 'forest.svg')
    text = (tmp_path / 'forest.svg').read_text()
    for word in ('one', 'two', 'HCN', 'mean', 'both', 'change'):
        assert f'<!-- {word} -->' in text
    assert text.count('<!-- both -->') == 1  # the panels share the names of the rows


def test_what_cannot_be_pooled_is_refused(grid):
    with pytest.raises(InputError, match='there are two results of hcn on nwucla'):
        pooled_changes([*grid, grid[0]], 'csre')
    other = made('2sagcn', 'nwucla', dict(baseline=10, csre=10))
    other.names[0] = 'another'
    with pytest.raises(InputError, match='other samples than other results on nwucla'):
        pooled_changes([*grid, other], 'csre')


def test_samples_in_another_order_and_another_stream_change_nothing(grid):
    expected = pooled_changes(grid, 'csre')
    first = grid[0]
    order = np.random.default_rng(0).permutation(len(first.names))
    first.names = [first.names[i] for i in order]
    first.labels = [first.labels[i] for i in order]
    for experiment in first.experiments:
        last = experiment.predicted['last']
        experiment.predicted['last'] = [last[i] for i in order]
    bones = made('hcn', 'nwucla', dict(baseline=0, csre=40)).experiments
    first.experiments += [replace(experiment, stream='b') for experiment in bones]
    assert pooled_changes(grid, 'csre') == expected
