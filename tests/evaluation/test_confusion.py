import math

import numpy as np
import pytest

from csre_mm.evaluation import Scores
from csre_mm.evaluation.confusion import (
    accuracy,
    class_accuracies,
    confusion_matrix,
    join_scores,
    mean_class_accuracy,
    most_confused_pairs,
    pair_accuracy,
)
from csre_mm.utils.errors import InputError

LABELS = [0, 0, 0, 0, 1, 1, 2, 2, 3, 3]
FIRST = [0, 0, 1, 2, 1, 0, 2, 2, 3, 2]
SECOND = [0, 0, 0, 0, 1, 1, 2, 2, 3, 0]
MATRIX = np.array([[2, 1, 1, 0], [1, 1, 0, 0], [0, 0, 2, 0], [0, 0, 1, 1]])
"""Of FIRST."""


def make_scores(predictions, labels=LABELS, classes=4, names=None):
    scores = np.full((len(labels), classes), 0.1, np.float32)
    scores[np.arange(len(labels)), predictions] = 0.6
    names = [f's{i}' for i in range(len(labels))] if names is None else names
    return Scores(names, np.array(labels, np.int64), scores)


def test_matrix_counts_predictions_in_rows_of_true_classes():
    matrix = confusion_matrix(np.array(LABELS), np.array(FIRST), 4)
    assert matrix.dtype == np.int64
    np.testing.assert_array_equal(matrix, MATRIX)


def test_matrix_equals_a_loop():
    rng = np.random.default_rng(0)
    labels, predictions = rng.integers(0, 7, (2, 200))
    expected = np.zeros((9, 9), np.int64)
    for label, prediction in zip(labels, predictions, strict=True):
        expected[label, prediction] += 1
    np.testing.assert_array_equal(confusion_matrix(labels, predictions, 9), expected)
    small = confusion_matrix(labels.astype(np.uint8), predictions.astype(np.uint8), 200)
    np.testing.assert_array_equal(small[:9, :9], expected)


@pytest.mark.parametrize(
    ('labels', 'predictions', 'message'),
    [
        ([0, 3], [0, 0], 'label 3 is outside the classes 0 to 2'),
        ([0, 0], [0, -1], 'prediction -1 is outside the classes 0 to 2'),
        ([0, 0], [0], r'labels \(2,\) and predictions \(1,\)'),
    ],
)
def test_matrix_refuses(labels, predictions, message):
    with pytest.raises(ValueError, match=message):
        confusion_matrix(np.array(labels), np.array(predictions), 3)


def test_accuracies():
    assert accuracy(MATRIX) == 0.6
    np.testing.assert_array_equal(class_accuracies(MATRIX), [0.5, 0.5, 1.0, 0.5])
    assert mean_class_accuracy(MATRIX) == 0.625


def test_a_class_without_samples_does_not_count():
    matrix = np.array([[3, 0, 1], [0, 0, 0], [1, 0, 1]])
    np.testing.assert_array_equal(class_accuracies(matrix), [0.75, np.nan, 0.5])
    assert mean_class_accuracy(matrix) == 0.625
    empty = np.zeros((2, 2), np.int64)
    assert math.isnan(accuracy(empty)) and math.isnan(mean_class_accuracy(empty))


@pytest.mark.parametrize(
    ('pair', 'expected'),
    [((0, 1), (0.5, 2, 6)), ((1, 0), (0.5, 2, 6)), ((2, 3), (0.75, 1, 4)), ((1, 2), (0.75, 0, 4))],
)
def test_pair_accuracy(pair, expected):
    assert pair_accuracy(MATRIX, pair) == expected


def test_pair_without_samples():
    found, confused, samples = pair_accuracy(np.eye(4, dtype=np.int64) * [1, 1, 0, 0], (2, 3))
    assert math.isnan(found)
    assert (confused, samples) == (0, 0)


def test_most_confused_pairs_count_both_directions():
    assert most_confused_pairs(MATRIX, 9) == [(0, 1), (0, 2), (2, 3)]
    assert most_confused_pairs(MATRIX, 2) == [(0, 1), (0, 2)]
    assert most_confused_pairs(np.array([[1, 0, 3], [2, 9, 0], [0, 2, 1]]), 1) == [(0, 2)]
    assert most_confused_pairs(np.array([[1, 0, 3], [2, 9, 2], [0, 2, 1]]), 1) == [(1, 2)]
    assert most_confused_pairs(np.eye(3, dtype=np.int64), 5) == []


def named(*names, labels=None, classes=2):
    labels = [0] * len(names) if labels is None else labels
    return make_scores([0] * len(names), labels, classes, list(names))


@pytest.mark.parametrize(
    ('second', 'message'),
    [
        (named(*'aabbc'), 'y: more than one sample is named a, b$'),
        (named(*'ab'), 'y lacks samples that x has: c$'),
        (named(*'cabde'), 'x lacks samples that y has: d, e$'),
        (named(*'abcdefghi'), 'x lacks samples that y has: d, e, f, g, h and 1 more$'),
        (named(*'cab', labels=[1, 0, 0]), 'x and y have different labels for c$'),
        (named(*'abc', classes=3), 'y has scores of 3 classes, x of 2$'),
        (named(*'abc', labels=[0, 2, 0]), 'y: .* 2 classes, and a label outside 0 to 1 in b$'),
        (named(*'abc')._replace(scores=np.zeros(3)), r'y: scores of shape \(3,\)'),
        (
            named(*'abc')._replace(scores=np.array([[0, 1], [0, np.nan], [1, 0]])),
            'y: the scores are not all finite in b$',
        ),
    ],
)
def test_join_refuses(second, message):
    with pytest.raises(InputError, match=message):
        join_scores({'x': named(*'abc'), 'y': second})
