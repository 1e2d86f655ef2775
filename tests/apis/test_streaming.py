from dataclasses import replace

import numpy as np
import pytest

from csre_mm.apis import SkeletonInferencer
from csre_mm.apis.prediction import Prediction
from csre_mm.apis.windows import stack_frames, stream_predictions
from csre_mm.utils.errors import InputError
from tests.inference import SHORT, make_checkpoint


def seen(recording):
    """Answers with the first and the last number of its input, and stores the input."""
    keypoint = recording.keypoint
    scores = np.array([keypoint[0, 0, 0, 0], keypoint[0, -1, 0, 0]], np.float32)
    return Prediction(recording.name, 0, 'a', 0.5, [], scores, 0, keypoint.shape[1])


def frames(count, persons=1):
    return (np.full((persons, 4, 3), i + 1, np.float32) for i in range(count))


@pytest.mark.parametrize(
    'count, window, stride, expected',
    [
        (10, 4, 3, [(0, 4), (3, 7), (6, 10)]),
        (11, 4, 3, [(0, 4), (3, 7), (6, 10), (7, 11)]),
        (3, 4, 1, [(0, 3)]),
        (1, 1, 1, [(0, 1)]),
    ],
)
def test_answers_come_every_stride_frames_about_the_newest(count, window, stride, expected):
    found = list(stream_predictions(seen, frames(count), window, stride))
    assert [(p.start, p.end) for p in found] == expected
    assert [p.scores.tolist() for p in found] == [[s + 1, e] for s, e in expected]
    assert all(p.latency_ms >= 0 for p in found)


def test_an_answer_comes_before_the_next_frame_is_asked_for():
    asked = []

    def source():
        for i, frame in enumerate(frames(6)):
            asked.append(i)
            yield frame

    stream = stream_predictions(seen, source(), 2, 2)
    assert next(stream).end == 2 and asked == [0, 1]
    assert next(stream).end == 4 and asked == [0, 1, 2, 3]


def test_the_latency_leaves_out_the_wait_for_frames(monkeypatch):
    clock = iter([10.0, 10.004, 20.0, 20.006])
    monkeypatch.setattr('csre_mm.apis.windows.time.perf_counter', lambda: next(clock))
    found = list(stream_predictions(seen, frames(2), 1, 1))
    assert [p.latency_ms for p in found] == pytest.approx([4, 6])


def test_persons_come_and_go():
    some = [np.ones((n, 4, 3), np.float32) for n in (1, 2, 0)]
    stacked = stack_frames(some)
    assert stacked.shape == (2, 3, 4, 3)
    assert stacked.any(axis=(2, 3)).tolist() == [[True, True, False], [False, True, False]]
    assert stack_frames([np.ones((0, 4, 3))]).shape == (1, 1, 4, 3)


@pytest.mark.parametrize(
    'bad, message',
    [
        (np.ones(3), r'frame 1: float64 of the shape \(3,\)'),
        (np.ones((1, 5, 3)), 'frame 1: 5 joints of 3 coordinates, the frames before have 4 of 3'),
        (np.full((4, 3), np.nan), 'frame 1: holds NaN'),
        (np.ma.masked_equal(np.eye(4, 3), 0), 'frame 1: holds NaN'),
        (np.full((4, 3), 1e300), r'frame 1: holds NaN or larger numbers than 1e\+06'),
        (np.full((4, 3), 'x'), 'frame 1: .* expected numbers'),
    ],
)
def test_bad_frames(bad, message):
    stream = stream_predictions(seen, iter([np.ones((4, 3)), bad]), 2, 1)
    with pytest.raises(InputError, match=message):
        list(stream)


def test_bad_streams():
    with pytest.raises(InputError, match='ended before its first frame'):
        list(stream_predictions(seen, [], 2, 1))
    with pytest.raises(InputError, match='stride 0'):
        list(stream_predictions(seen, [], 2, 0))


def test_a_stream_gives_the_scores_of_its_windows(ntu_file, tmp_path):
    cfg, checkpoint = make_checkpoint('ctrgcn_ntu60', ntu_file, tmp_path, **SHORT)
    inferencer = SkeletonInferencer(cfg, checkpoint)
    keypoint = np.random.default_rng(0).normal(size=(3, 40, 25, 3)).astype(np.float32)
    windows = inferencer(keypoint, window=16, stride=8)
    stream = list(inferencer.stream(keypoint.swapaxes(0, 1), window=16, stride=8))
    assert [(p.start, p.end) for p in stream] == [(p.start, p.end) for p in windows]
    for ours, theirs in zip(stream, windows, strict=True):
        # products of one window and of several are added up in another order
        np.testing.assert_allclose(ours.scores, theirs.scores, rtol=1e-5, atol=1e-6)
    for shape in (inferencer.shape, replace(inferencer.shape, pixels=True)):
        inferencer.shape = shape
        empty = list(inferencer.stream(np.zeros((4, 25, 3), np.float32), window=4))
        assert [p.class_name for p in empty] == ['nobody']
