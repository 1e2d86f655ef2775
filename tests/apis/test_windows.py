import numpy as np
import pytest

from csre_mm.apis.prediction import NOBODY
from csre_mm.apis.recordings import find_recordings
from csre_mm.apis.windows import choose_persons, window_spans


def test_of_many_persons_those_who_move_most_are_taken(inferencer):
    rng = np.random.default_rng(1)
    body = rng.normal(size=(1, 25, 3))
    steps = np.array([0.001, 0.05, 0, 0.02])  # metres a frame
    times = np.arange(20)[:, None, None]
    keypoint = np.stack([body + step * times for step in steps]).astype(np.float32)
    keypoint[2] = 0  # nobody
    assert choose_persons(keypoint, 2) == [1, 3]
    np.testing.assert_array_equal(
        inferencer(keypoint)[0].scores, inferencer(keypoint[[1, 3]])[0].scores
    )


def test_two_persons_keep_their_order(inferencer):
    keypoint = np.random.default_rng(2).normal(size=(2, 20, 25, 3)).astype(np.float32)
    assert inferencer.prepare(find_recordings(keypoint)[0])['inputs'].shape[1] == 2
    swapped = inferencer(keypoint[::-1].copy())[0].scores
    assert not np.array_equal(swapped, inferencer(keypoint)[0].scores)


def test_an_answer_per_person_is_that_of_the_person_alone(inferencer, tmp_path):
    keypoint = np.random.default_rng(2).normal(size=(3, 20, 25, 3)).astype(np.float32)
    keypoint[1] = 0  # nobody
    np.save(tmp_path / 'x.npy', keypoint)
    found = inferencer(tmp_path / 'x.npy', per_person=True)
    assert [p.name for p in found] == ['x person 1', 'x person 3']
    for prediction, person in zip(found, keypoint[[0, 2]], strict=True):
        np.testing.assert_allclose(prediction.scores, inferencer(person)[0].scores, atol=1e-6)
    windows = inferencer(tmp_path / 'x.npy', window=10, stride=10, per_person=True)
    assert [(p.name[-1], p.start) for p in windows] == [('1', 0), ('1', 10), ('3', 0), ('3', 10)]


@pytest.mark.parametrize(
    'num_frames, window, stride, expected',
    [
        (10, None, None, [(0, 10)]),
        (10, 4, 3, [(0, 4), (3, 7), (6, 10)]),
        (11, 4, 3, [(0, 4), (3, 7), (6, 10), (7, 11)]),
        (4, 4, 1, [(0, 4)]),
        (3, 4, 2, [(0, 3)]),
        (16, 8, None, [(0, 8), (2, 10), (4, 12), (6, 14), (8, 16)]),
    ],
)
def test_windows(num_frames, window, stride, expected):
    assert window_spans(num_frames, window, stride) == expected


def test_a_window_is_classified_as_if_it_were_alone(inferencer):
    keypoint = np.random.default_rng(3).normal(size=(1, 50, 25, 3)).astype(np.float32)
    found = inferencer(keypoint, window=20, stride=15)
    assert [(p.start, p.end) for p in found] == [(0, 20), (15, 35), (30, 50)]
    for prediction in found:
        alone = inferencer(keypoint[:, prediction.start : prediction.end])[0]
        np.testing.assert_allclose(prediction.scores, alone.scores, atol=1e-6)


def test_nobody_in_a_window(inferencer):
    keypoint = np.random.default_rng(4).normal(size=(1, 30, 25, 3)).astype(np.float32)
    keypoint[:, 10:20] = 0
    found = inferencer(keypoint, window=10, stride=10)
    assert [p.label == NOBODY for p in found] == [False, True, False]
    assert found[1].class_name == 'nobody' and not found[1].scores.any()
