import numpy as np
import pytest

from csre_mm.datasets.checks.report import split_pairs
from tests.checked_data import PLAN, assert_found, check, make_data


@pytest.mark.parametrize('plan', [None, PLAN])
def test_a_class_without_training_samples(plan):
    data = make_data()
    data['split']['train'] = ['s0', 's2']
    line = "split 'train' has no sample of class 1, expected samples of each class"
    assert_found(data, ('warning', 'classes', None, line), plan=plan)


@pytest.mark.parametrize(
    'label, classes', [(3, 'class 2, expected'), (120, '118 classes: 2, 3, 4, 5, 6, ...')]
)
def test_classes_without_samples_are_one_line(label, classes):
    data = make_data() | {'split': {}}
    data['annotations'][0]['label'] = label
    assert_found(data, ('warning', 'classes', None, f"'the whole file' has no sample of {classes}"))


@pytest.mark.parametrize(
    'split, expected',
    [
        (dict(more='s1'), ('error', 'splits', None, "split 'more' is a str, expected a list")),
        (dict(more=[]), ('warning', 'splits', None, "split 'more' is empty")),
        (dict(more=['s4', 'x']), ('warning', 'splits', 'x', "split 'more' names it, expected the")),
        (dict(more=['s4', 7]), ('warning', 'splits', '7', "split 'more' names it, expected the")),
        (
            dict(more=['s4'] * 3),
            ('warning', 'splits', 's4', 'names it 3 times, expected each once'),
        ),
        (
            dict(more=['s1', 's4']),
            ('error', 'overlap', 's1', "split 'more' names it, as 'train' does, expected samples"),
        ),
    ],
)
def test_members(split, expected):
    data = make_data()
    data['split'].update(split)
    assert_found(data, expected)


@pytest.mark.parametrize(
    'names, pairs',
    [
        ('train val val_clean', 'train-val train-val_clean'),
        (
            'xsub_train xsub_val xview_train xview_val',
            'xsub_train-xsub_val xview_train-xview_val',
        ),
        ('train val xsub_train xsub_val', 'train-val xsub_train-xsub_val'),
        ('training testing', 'training-testing'),
        ('Train Test', 'Train-Test'),
        ('train_a test_a train_b test_b', 'train_a-test_a train_b-test_b'),
        ('my_train holdout', 'my_train-holdout'),
        ('xsub_train xview_train holdout', ''),
        ('a b', ''),
        ('', ''),
    ],
)
def test_which_splits_are_compared(names, pairs):
    expected = [tuple(pair.split('-')) for pair in pairs.split()]
    assert split_pairs(names.split()) == expected


@pytest.mark.parametrize('plan, severity', [(None, 'warning'), (PLAN, 'error')])
def test_copies_of_training_samples(plan, severity):
    data = make_data()
    data['annotations'][5]['keypoint'] = -data['annotations'][1]['keypoint']
    data['annotations'][5]['total_frames'] = data['annotations'][1]['total_frames']
    data['annotations'][1]['keypoint'][0, 0, 0] = 0.0  # the same number as -0
    data['annotations'][5]['keypoint'][0, 0, 0] = -0.0
    assert check(data, plan) == []
    data['annotations'][5]['keypoint'] *= -1
    copy = data['annotations'][5]['keypoint'].astype(np.float64)
    data['annotations'][5]['keypoint'] = np.asfortranarray(copy).astype(np.float32)
    line = "keypoint of 'test' equals that of 's1' of 'train', expected other coordinates than"
    assert_found(data, (severity, 'copies', 's5', line), plan=plan)
    data['annotations'][5]['keypoint'][0, 2, 3, 1] += 1e-3
    assert check(data, plan) == []


def test_a_config_compares_the_splits_that_it_trains_and_tests_with():
    data = make_data()
    data['split']['val'] = ['s0', 's4']  # overlaps, but the config tests with another
    assert check(data, PLAN) == []
    assert_found(data, ('error', 'overlap', 's0', "split 'val' names it, as 'train' does"))
