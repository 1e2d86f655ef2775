import os
import pickle

import numpy as np
import pytest
import torch

from csre_mm.evaluation import DumpScores, load_scores
from csre_mm.evaluation.confusion import join_scores
from csre_mm.utils.errors import InputError
from tests.datasets.test_mutations import bounded


def prediction(name, label, scores, dtype=torch.float32):
    """A prediction as a recognizer passes it to a metric."""
    scores = torch.tensor(scores, dtype=dtype)
    return dict(
        frame_dir=name,
        gt_label=torch.tensor([label]),
        pred_label=scores.argmax(keepdim=True),
        pred_score=scores,
    )


def dump(path, *batches):
    metric = DumpScores(str(path))
    for batch in batches:
        metric.process(None, batch)
    assert metric.compute_metrics(metric.results) == {}
    return path


def test_scores_of_all_batches_come_back(tmp_path):
    path = dump(
        tmp_path / 'new' / 'scores.pkl',
        [prediction('b', 2, [0.25, 0.5, 0.25]), prediction('a', 0, [1.0, 0.0, 0.0])],
        [prediction('c', 1, [0.125, 0.75, 0.125])],
    )
    names, labels, scores = load_scores(path)
    assert names == ['b', 'a', 'c']
    assert labels.dtype == np.int64
    np.testing.assert_array_equal(labels, [2, 0, 1])
    assert scores.dtype == np.float32
    np.testing.assert_array_equal(scores, [[0.25, 0.5, 0.25], [1, 0, 0], [0.125, 0.75, 0.125]])
    assert os.listdir(path.parent) == ['scores.pkl']


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16, torch.float64])
def test_any_precision_is_written_as_float32(tmp_path, dtype):
    path = dump(tmp_path / 'scores.pkl', [prediction('a', 1, [0.25, 0.75], dtype)])
    scores = load_scores(path).scores
    assert scores.dtype == np.float32
    np.testing.assert_array_equal(scores, [[0.25, 0.75]])


def test_the_file_is_numbers_and_arrays(tmp_path):
    path = dump(tmp_path / 'scores.pkl', [prediction('a', 1, [0.25, 0.75])])
    with open(path, 'rb') as file:
        (sample,) = pickle.load(file)
    assert {key: type(value) for key, value in sample.items()} == {
        'frame_dir': str,
        'gt_label': int,
        'pred_label': int,
        'pred_score': np.ndarray,
    }
    assert sample['pred_label'] == 1


def test_samples_without_a_name_are_numbered(tmp_path):
    samples = [prediction('', 0, [1.0, 0.0]) for _ in range(3)]
    for sample in samples:
        del sample['frame_dir']
    path = dump(tmp_path / 'scores.pkl', samples[:2], samples[2:])
    assert load_scores(path).names == ['0', '1', '2']


def test_a_pickle_that_runs_code_is_refused(tmp_path):
    trace = tmp_path / 'trace'

    class Malicious:
        def __reduce__(self):
            return os.mkdir, (str(trace),)

    path = tmp_path / 'scores.pkl'
    path.write_bytes(pickle.dumps([Malicious()]))
    with pytest.raises(InputError, match=r'scores\.pkl: .*mkdir'):
        load_scores(path)
    assert not trace.exists()
    pickle.loads(path.read_bytes())
    assert trace.exists()  # it would have


def test_no_file(tmp_path):
    with pytest.raises(InputError, match=r'missing\.pkl: no such file, expected a file of scores'):
        load_scores(tmp_path / 'missing.pkl')


GOOD = dict(frame_dir='a', gt_label=0, pred_score=np.zeros(2, np.float32))


@pytest.mark.parametrize(
    'content',
    [
        b'',
        b'no pickle',
        pickle.dumps([]),
        pickle.dumps({'annotations': []}),
        pickle.dumps([dict(frame_dir='a')]),
        pickle.dumps([GOOD | dict(gt_label='drink')]),
        pickle.dumps([GOOD, GOOD | dict(pred_score=np.zeros(3, np.float32))]),
        pickle.dumps([GOOD])[:-20],
    ],
)
def test_something_else_is_no_score_file(tmp_path, content):
    path = tmp_path / 'scores.pkl'
    path.write_bytes(content)
    with pytest.raises(InputError, match=r'not a file of scores by tools/test\.py --dump'):
        load_scores(path)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(gt_label=99), r'has the class 99, the scores are of \d+ classes'),
        (dict(gt_label=-1), 'has the class -1'),
        (dict(pred_score=np.float32([0.5, np.nan])), 'a score is not finite'),
        (dict(pred_score=np.float32([[0.5, 1.0]])), 'not a file of scores by'),
        (dict(pred_score=np.zeros(0, np.float32)), 'not a file of scores by'),
        (dict(pred_score=np.array(['a', 'b'])), 'not a file of scores by'),
        (dict(frame_dir=['a']), 'not a file of scores by'),
    ],
)
def test_scores_that_mean_nothing_are_refused(tmp_path, changes, message):
    (tmp_path / 'scores.pkl').write_bytes(pickle.dumps([GOOD | changes]))
    with pytest.raises(InputError, match=message):
        load_scores(tmp_path / 'scores.pkl')


def test_scores_that_share_one_large_array_are_refused(tmp_path):
    row = np.zeros(1 << 18, np.float32)
    (tmp_path / 'scores.pkl').write_bytes(pickle.dumps([GOOD | dict(pred_score=row)] * 10_000))
    with bounded(), pytest.raises(InputError, match='much larger than the file'):
        load_scores(tmp_path / 'scores.pkl')


def test_a_file_that_cannot_be_read_is_said(tmp_path):
    with pytest.raises(InputError, match='cannot be read: Is a directory'):
        load_scores(tmp_path)


def test_files_in_another_order_are_joined_by_name(tmp_path):
    samples = [prediction(str(i), i, np.eye(4)[i].tolist()) for i in range(4)]
    first = load_scores(dump(tmp_path / 'first.pkl', samples))
    second = load_scores(dump(tmp_path / 'second.pkl', [samples[i] for i in (2, 0, 3, 1)]))
    assert second.names == ['2', '0', '3', '1']
    joined = join_scores({'first': first, 'second': second})
    assert list(joined) == ['first', 'second']
    for scores in joined.values():
        assert scores.names == ['0', '1', '2', '3']
        np.testing.assert_array_equal(scores.labels, [0, 1, 2, 3])
        np.testing.assert_array_equal(scores.scores, np.eye(4))
    assert second.names == ['2', '0', '3', '1']  # the argument stays as it was
