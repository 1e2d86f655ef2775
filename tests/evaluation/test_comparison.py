import math

import matplotlib.image
import numpy as np
import pytest

from csre_mm.evaluation.changes import (
    class_changes,
    confusion_matrices,
    find_changes,
    find_flips,
    pair_changes,
)
from csre_mm.evaluation.comparison import Comparison, compare
from csre_mm.utils.errors import InputError
from csre_mm.visualization.comparison_figure import draw_class_gains, draw_pair_changes
from tests.commands import scores_of

LABELS = [0, 0, 0, 0, 1, 1, 2, 2, 3, 3]
BEFORE = [[0, 0, 1, 2, 1, 0, 2, 2, 3, 2], [0, 1, 1, 2, 1, 1, 2, 2, 2, 2]]
AFTER = [[0, 0, 0, 0, 1, 1, 2, 3, 3, 0], [0, 0, 1, 0, 1, 1, 3, 2, 3, 2]]


@pytest.fixture
def comparison():
    """Two seeds, ten samples, four classes."""
    before = {f'b{s}': scores_of(p, LABELS, seed=s) for s, p in enumerate(BEFORE)}
    after = {f'c{s}': scores_of(p, LABELS, seed=9 + s) for s, p in enumerate(AFTER)}
    order = [3, 1, 4, 0, 5, 9, 2, 6, 8, 7]
    names, labels, scores = after['c1']
    after['c1'] = type(after['c1'])([names[i] for i in order], labels[order], scores[order])
    return compare(before, after)


def test_runs_are_joined_by_name_and_paired_in_order(comparison):
    np.testing.assert_array_equal(comparison.before, BEFORE)
    np.testing.assert_array_equal(comparison.after, AFTER)
    assert comparison.names == [f's{i:02d}' for i in range(10)]
    np.testing.assert_array_equal(comparison.difference[0], [0, 0, 1, 1, 0, 1, 0, -1, 0, 0])
    np.testing.assert_array_equal(comparison.difference[1], [0, 1, 0, 1, 0, 0, -1, 0, 1, 0])
    before, after = comparison.accuracies
    np.testing.assert_allclose(before, [0.6, 0.5])
    np.testing.assert_allclose(after, [0.8, 0.7])


def test_compare_refuses():
    a, b = scores_of(BEFORE[0], LABELS, seed=1), scores_of(AFTER[0], LABELS, seed=2)
    with pytest.raises(InputError, match='1 score files before and 2 after'):
        compare({'a': a}, {'b': b, 'c': a})
    with pytest.raises(InputError, match='a2 has the same scores as a: it is no other seed'):
        compare({'a': a, 'a2': a}, {'b': b, 'c': scores_of(AFTER[1], LABELS)})
    with pytest.raises(InputError, match='b lacks samples that a has'):
        compare({'a': a}, {'b': scores_of([0], [0])})
    with pytest.raises(ValueError, match='both models'):
        compare({'a': a}, {'a': b})
    assert compare({'a': a}, {'b': a}).difference.any() == np.False_  # a model may equal the other


def test_class_changes_by_hand(comparison):
    """Class 0: 2/4 and 1/4 before, 4/4 and 3/4 after."""
    changes = class_changes(comparison)
    assert [change.label for change in changes] == [0, 1, 3, 2]
    first = changes[0]
    assert (first.samples, first.before, first.after) == (4, 0.375, 0.875)
    assert first.gains == (0.5, 0.5) and first.gain == 0.5
    by_class = {change.label: change for change in changes}
    assert (by_class[1].before, by_class[1].after) == (0.75, 1.0)
    assert (by_class[2].before, by_class[2].after, by_class[2].gains) == (1.0, 0.5, (-0.5, -0.5))
    assert (by_class[3].before, by_class[3].after) == (0.25, 0.5)


def test_a_class_without_samples_is_left_out():
    runs = {name: scores_of([0, 2], [0, 2], seed=i) for i, name in enumerate('ab')}
    found = class_changes(compare({'a': runs['a']}, {'b': runs['b']}))
    assert [change.label for change in found] == [0, 2]


def test_pairs_equal_a_count(comparison):
    pairs = {pair.classes: pair for pair in pair_changes(comparison)}
    for low in range(4):
        for high in range(low + 1, 4):
            counts = [
                sum(
                    {label, prediction} == {low, high}
                    for run in runs
                    for label, prediction in zip(LABELS, run, strict=True)
                )
                / 2
                for runs in (BEFORE, AFTER)
            ]
            found = pairs.get((low, high))
            assert counts == ([found.before, found.after] if found else [0, 0])
    assert pairs[0, 1].samples == 6
    order = [pair.before + pair.after for pair in pair_changes(comparison)]
    assert order == sorted(order, reverse=True)
    assert [pair.classes for pair in pair_changes(comparison)[:2]] == [(2, 3), (0, 1)]


def test_pairs_are_not_chosen_by_the_first_model_alone():
    """Two models with equal error rates: the top pairs must not improve by selection."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(12), 40)
    changes = []
    for _ in range(30):
        wrong = (labels + rng.integers(1, 12, (2, labels.size))) % 12
        runs = np.where(rng.random((2, labels.size)) < 0.5, labels, wrong)
        names = [str(i) for i in range(labels.size)]
        top = pair_changes(Comparison(names, labels, 12, runs[:1], runs[1:]))[:5]
        changes.append(sum(pair.after - pair.before for pair in top))
    assert abs(np.mean(changes)) < 2.5 * np.std(changes) / math.sqrt(len(changes))


def test_matrices_of_each_run(comparison):
    before, after = confusion_matrices(comparison)
    assert before.shape == after.shape == (2, 4, 4)
    np.testing.assert_array_equal(before[0, 0], [2, 1, 1, 0])
    np.testing.assert_array_equal(after[1, 2], [0, 0, 1, 1])


def test_flips(comparison):
    gained, lost = find_flips(comparison)
    assert [(flip.name, flip.net) for flip in gained] == [
        ('s03', 2),
        ('s01', 1),
        ('s02', 1),
        ('s05', 1),
        ('s08', 1),
    ]
    assert [(flip.name, flip.net) for flip in lost] == [('s06', -1), ('s07', -1)]
    assert gained[0] == ('s03', 0, (2, 2), (0, 0), 2)


def test_all_changes_together(comparison):
    found = find_changes(comparison)
    assert found.difference.mean == pytest.approx(0.2)
    assert found.difference.deviation == pytest.approx(0, abs=1e-12)
    assert found.mean_class[0] == pytest.approx((0.375 + 0.75 + 1 + 0.25) / 4)
    assert found.classes[0].gain == 0.5
    assert found.pairs == pair_changes(comparison)
    assert [flip.name for flip in found.lost] == ['s06', 's07']


def many_changes(classes, seeds):
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(classes), 10)
    runs = [
        np.where(rng.random((seeds, labels.size)) < p, labels, (labels + 1) % classes)
        for p in (0.7, 0.8)
    ]
    names = [str(i) for i in range(labels.size)]
    return find_changes(Comparison(names, labels, classes, *runs))


@pytest.mark.parametrize(('classes', 'seeds'), [(3, 1), (60, 3), (120, 1)])
def test_figures_have_the_width_of_a_column(tmp_path, classes, seeds):
    found = many_changes(classes, seeds)
    names = [f'a class with a rather long name, {i}' for i in range(classes)]
    draw_class_gains(found.classes, names, tmp_path / 'a.png')
    draw_pair_changes(found.pairs[:10], names, tmp_path / 'b.png', ('baseline', 'csre'))
    for name in 'ab':
        height, width = (
            n / 200 for n in matplotlib.image.imread(tmp_path / f'{name}.png').shape[:2]
        )
        assert width == 3.5
        assert 0.5 < height < 9


def test_content_of_the_figures(tmp_path, comparison):
    found = find_changes(comparison)
    names = ['drink $x$', 'phone', 'wave', 'clap']
    draw_class_gains(found.classes, names, tmp_path / 'a.svg')
    text = (tmp_path / 'a.svg').read_text()
    for words in ('drink $x$ (4)', 'clap (2)', 'Gain (percentage points)', 'dots: single seeds'):
        assert f'<!-- {words} -->' in text
    draw_pair_changes(found.pairs, names, tmp_path / 'b.svg', ('baseline', 'ours'))
    text = (tmp_path / 'b.svg').read_text()
    for words in ('drink $x$', 'wave', 'baseline', 'ours', 'Confused (% of both classes)'):
        assert f'<!-- {words} -->' in text


def test_of_many_classes_those_that_change_most_are_drawn(tmp_path):
    found = many_changes(120, 1)
    draw_class_gains(found.classes, [f'c{i}' for i in range(120)], tmp_path / 'a.svg')
    text = (tmp_path / 'a.svg').read_text()
    assert 'the 60 of 120 classes' in text
    shown = [change for change in found.classes if f'<!-- c{change.label} (' in text]
    assert len(shown) == 60
    hidden = [change for change in found.classes if change not in shown]
    assert min(abs(c.gain) for c in shown) >= max(abs(c.gain) for c in hidden)


@pytest.mark.parametrize('suffix', ['.png', '.pdf', '.svg'])
def test_figures_are_written_reproducibly(tmp_path, comparison, suffix):
    found = find_changes(comparison)
    for name in 'ab':
        draw_class_gains(found.classes, 'abcd', tmp_path / f'{name}{suffix}')
    assert (tmp_path / f'a{suffix}').read_bytes() == (tmp_path / f'b{suffix}').read_bytes()
    with pytest.raises(InputError, match='a figure is one of'):
        draw_class_gains(found.classes, 'abcd', tmp_path / 'a.jpeg')
