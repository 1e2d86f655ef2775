import itertools

import numpy as np
import pytest

from csre_mm.evaluation import Scores
from csre_mm.evaluation.ensemble import (
    GRID,
    PRESETS,
    accuracies,
    are_probabilities,
    check_fitting,
    check_weights,
    evaluate_subsets,
    fit_weights,
    fuse,
    preset_weights,
    to_probabilities,
    topk,
)
from csre_mm.utils.errors import InputError


def make(scores, labels, names=None):
    scores = np.array(scores, np.float32)
    names = [f's{i}' for i in range(len(scores))] if names is None else list(names)
    return Scores(names, np.array(labels, np.int64), scores)


def random_scores(classes=8, samples=60, seed=0, skill=1.0):
    rng = np.random.default_rng(seed)
    labels = np.random.default_rng(99).integers(0, classes, samples)
    scores = rng.normal(size=(samples, classes)) + skill * np.eye(classes)[labels]
    return make(scores, labels)


def test_the_sum_is_that_of_a_loop():
    streams, weights = [random_scores(seed=s) for s in range(3)], (0.6, 0.25, 2.0)
    fused = fuse(streams, weights)
    for i, row in enumerate(fused.scores):
        for c, value in enumerate(row):
            parts = [w * float(s.scores[i, c]) for w, s in zip(weights, streams, strict=True)]
            assert value == np.float32(sum(parts))
    assert fused.names == streams[0].names and fused.scores.dtype == np.float32


def test_streams_that_are_not_joined_and_weights_that_are_none():
    first = random_scores()
    shuffled = Scores(first.names[::-1], first.labels[::-1], first.scores[::-1])
    for streams in ([first, shuffled], []):
        for call in (fit_weights, lambda streams: fuse(streams, [1.0] * len(streams))):
            with pytest.raises(InputError, match='of the same samples in one order'):
                call(streams)
    with pytest.raises(InputError, match='1 nan: expected numbers from 0'):
        fuse([first, first], [1, float('nan')])


def test_topk_equals_a_sort():
    scores = random_scores()
    scores.scores[::3] = scores.scores[::3].round()  # many equal ones
    for k in (1, 3, 5, 8):
        hits = [
            label in sorted(range(8), key=lambda c, row=row: (-row[c], c))[:k]
            for row, label in zip(scores.scores, scores.labels, strict=True)
        ]
        assert topk(scores, k) == pytest.approx(np.mean(hits), abs=1e-12)


def test_accuracies_by_hand():
    """One of two samples of class 0 is right, both of class 1; class 3 does not occur."""
    rows = [[9, 1, 0, 0, 0, 0], [5, 6, 4, 3, 2, 1], [0, 7, 0, 0, 0, 0], [1, 2, 0, 0, 0, 0]]
    rows.append([1, 2, 0, 3, 4, 5])  # class 2 comes last
    found = accuracies(make(rows, [0, 0, 1, 1, 2]))
    assert found == pytest.approx((3 / 5, 4 / 5, (0.5 + 1 + 0) / 3))


@pytest.mark.parametrize(
    ('count', 'expected'),
    [
        (1, [(0,)]),
        (2, [(0,), (1,), (0, 1)]),
        (
            4,
            [
                *itertools.combinations(range(4), 1),
                *itertools.combinations(range(4), 2),
                (0, 1, 2, 3),
            ],
        ),
    ],
)
def test_subsets_are_singles_pairs_and_the_whole(count, expected):
    streams = [random_scores(seed=s) for s in range(count)]
    assert list(evaluate_subsets(streams, [1.0] * count)) == expected


def test_every_subset_has_its_weights():
    streams, weights = [random_scores(seed=s) for s in range(3)], (2.0, 0.0, 1.0)
    found = evaluate_subsets(streams, weights)
    assert found[(1,)] == accuracies(streams[1])  # a single stream whatever its weight is
    assert found[(0, 1)] == accuracies(streams[0])
    assert found[(0, 2)] == accuracies(fuse([streams[0], streams[2]], [2, 1]))
    assert found[(0, 1, 2)] == found[(0, 2)]
    assert evaluate_subsets(streams, (1, 0, 0))[(1, 2)] is None


def test_probabilities_and_logits():
    logits = make([[1.0, 2.0, 3.0], [1000.0, 0.0, -1000.0]], [0, 1])
    probabilities = to_probabilities(logits)
    powers = np.exp([1.0, 2.0, 3.0])
    np.testing.assert_allclose(probabilities.scores[0], powers / powers.sum(), rtol=1e-6)
    np.testing.assert_array_equal(probabilities.scores[1], [1, 0, 0])
    assert are_probabilities(probabilities) and not are_probabilities(logits)
    assert not are_probabilities(make([[1.5, -0.5]], [0]))
    assert are_probabilities(make([[0.497, 0.51]], [0]))  # a softmax in bfloat16


def test_presets():
    four = ['joint', 'bone', 'joint_motion', 'bone_motion']
    assert preset_weights('ctrgcn', four) == (0.6, 0.6, 0.4, 0.4)
    assert preset_weights('ctrgcn', four[:3]) == (0.6, 0.6, 0.4)
    assert preset_weights('mmaction2', ['one', 'two']) == (2, 2)
    assert preset_weights('blockgcn-ntu', ['j', 'B', 'jm', 'bm']) == (0.6, 0.7, 0.35, 0.2)
    assert all(preset.source for preset in PRESETS.values())
    with pytest.raises(InputError, match=r'hyperformer-ntu is for 4 streams, not for 2$'):
        preset_weights('hyperformer-ntu', ['j', 'b'])
    with pytest.raises(InputError, match='order joint bone joint_motion, not joint joint-motion b'):
        preset_weights('ctrgcn', ['joint', 'joint-motion', 'bone'])


@pytest.mark.parametrize(
    ('weights', 'message'),
    [
        ((1.0,), '2 streams take 2 weights, not 1'),
        ((1.0, -0.5), r'the weights 1 -0\.5: expected numbers from 0, and one above 0'),
        ((0.0, 0.0), 'the weights 0 0: expected'),
        ((1.0, float('nan')), 'the weights 1 nan: expected'),
    ],
)
def test_weights_refused(weights, message):
    with pytest.raises(InputError, match=message):
        check_weights(weights, 2)


def right(streams, weights):
    return (fuse(streams, weights).scores.argmax(axis=1) == streams[0].labels).sum()


def test_fitted_weights_are_the_best_of_their_neighbours():
    streams = [random_scores(seed=s, skill=k) for s, k in ((0, 2.0), (1, 0.5), (2, 1.0))]
    weights = fit_weights(streams)
    best = right(streams, weights)
    assert best > right(streams, (1, 1, 1))
    for place, weight in itertools.product(range(3), GRID):
        other = list(weights)
        other[place] = weight
        if any(other):
            assert right(streams, other) <= best
    assert fit_weights(streams) == weights


def test_a_harmful_stream_gets_no_weight():
    good = make(0.4 * np.eye(4)[[0, 1, 2, 3]], [0, 1, 2, 3])
    bad = make(np.eye(4)[[1, 2, 3, 0]], [0, 1, 2, 3])
    assert right([good, bad], (1, 1)) == 0
    assert right([good, bad], fit_weights([good, bad])) == 4


def test_weights_that_change_nothing_stay_1():
    streams = [make(np.eye(3), [0, 1, 2])] * 2
    assert fit_weights(streams) == (1.0, 1.0)
    assert fit_weights(streams[:1]) == (1.0,)
    hopeless = [make(np.eye(3), [1, 2, 0])] * 2
    assert any(fit_weights(hopeless))


@pytest.mark.parametrize(
    ('fitting', 'message'),
    [
        (
            make([[1, 0]] * 2, [0, 1], 'xb'),
            '--fit-on has 1 samples that are reported, too; .* another split only: b$',
        ),
        (make([[1, 0, 0]], [0], 'x'), '--fit-on has 3 classes for j, 2 are reported'),
        (make([[5, -1]], [0], 'x'), 'j: of --fit-on and what is reported, one has logits'),
    ],
)
def test_scores_that_weights_cannot_be_fitted_on(fitting, message):
    reported = make([[1, 0]] * 3, [0, 1, 0], 'abc')
    check_fitting({'j': make([[1, 0]], [0], 'x')}, {'j': reported})
    with pytest.raises(InputError, match=message):
        check_fitting({'j': fitting}, {'j': reported})
