import os
import pickle
from collections import OrderedDict

import numpy as np
import pytest

from csre_mm.evaluation import load_scores
from csre_mm.evaluation.scores import read_labels, read_scores, save_scores
from csre_mm.utils.errors import InputError
from tests.commands import scores_of, write_dump
from tests.conftest import make_annotations

ROWS = np.array([[0.5, -1.0, 2.0], [1.0, 0.0, -3.0], [0.0, 4.0, 1.0]], np.float32)
LABELS = {'a': 2, 'b': 0, 'c': 1}


def write(path, data, protocol=4):
    path.write_bytes(pickle.dumps(data, protocol=protocol))
    return path


def test_own_files_are_read_unchanged(tmp_path):
    scores = scores_of([0, 1, 1], [0, 1, 2])
    path = write_dump(tmp_path / 'own.pkl', scores)
    found = read_scores(path, {'other': 1}, ['x'])
    assert found.names == scores.names
    np.testing.assert_array_equal(found.labels, scores.labels)
    np.testing.assert_array_equal(found.scores, scores.scores)


@pytest.mark.parametrize('protocol', [0, 2, 4, 5])
@pytest.mark.parametrize('kind', [dict, OrderedDict])
def test_a_dictionary_of_names_to_scores(tmp_path, protocol, kind):
    path = write(tmp_path / 'd.pkl', kind(zip('bca', ROWS, strict=True)), protocol)
    names, labels, scores = read_scores(path, LABELS)
    assert names == ['b', 'c', 'a']
    np.testing.assert_array_equal(labels, [0, 1, 2])
    np.testing.assert_array_equal(scores, ROWS)
    assert labels.dtype == np.int64 and scores.dtype == np.float32


@pytest.mark.parametrize(
    'keys',
    [
        (2, 0, 1),
        tuple(np.array([2, 0, 1])),
        ('test_2', 'test_0', 'test_1'),
        ('train_2', 'train_0', 'train_1'),
        ('2', '0', '1'),
    ],
)
def test_positions_become_names(tmp_path, keys):
    path = write(tmp_path / 'd.pkl', dict(zip(keys, ROWS, strict=True)))
    found = read_scores(path, LABELS, names=['a', 'b', 'c'])
    assert found.names == ['c', 'a', 'b']
    np.testing.assert_array_equal(found.labels, [1, 2, 0])


def test_names_of_raw_files_lose_their_suffix(tmp_path):
    path = write(tmp_path / 'd.pkl', {f'{name}.skeleton': ROWS[0] for name in 'abc'})
    assert read_scores(path, LABELS).names == ['a', 'b', 'c']


def test_labels_of_further_samples_are_allowed_without_a_split(tmp_path):
    path = write(tmp_path / 'd.pkl', {'b': ROWS[0]})
    assert read_scores(path, LABELS, whole=False).names == ['b']
    with pytest.raises(InputError, match=r'd\.pkl lacks samples of the split: a, c$'):
        read_scores(path, LABELS)


@pytest.mark.parametrize(
    ('data', 'labels', 'names', 'message'),
    [
        ({'a': ROWS[0]}, None, None, 'd.pkl holds no labels: .* --ann .* --split$'),
        ({0: ROWS[0]}, LABELS, None, r'd.pkl numbers its samples \(0, ...\): .* --names$'),
        ({5: ROWS[0]}, LABELS, ['a'], 'd.pkl has a sample 5, the file of --names has 1 names$'),
        ({1: ROWS[0], 'test_1': ROWS[1]}, LABELS, 'abc', 'more than one sample is named b$'),
        ({'x': ROWS[0]}, LABELS, None, 'd.pkl has samples without a label in --ann: x$'),
        ({'test_7': ROWS[0]}, LABELS, None, 'in --ann: test_7; these are positions, .* --names$'),
        ({'a': 1.0}, LABELS, None, "d.pkl: 'a' has 1.0 for scores, expected the scores of"),
        ({'a': ROWS}, LABELS, None, r"'a' has float32 \(3, 3\) for scores"),
        ({'a': ROWS[0], 'b': ROWS[0][:2]}, LABELS, None, r'scores of \[2, 3\] classes'),
        ({}, LABELS, None, r'd.pkl holds \{\}, expected the scores of tools/test.py --dump'),
        ('text', LABELS, None, "d.pkl holds 'text', expected"),
    ],
)
def test_refused(tmp_path, data, labels, names, message):
    path = write(tmp_path / 'd.pkl', data)
    with pytest.raises(InputError, match=message):
        read_scores(path, labels, names)


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (b'', 'not a file of scores by tools/test.py --dump'),
        (b'no pickle', 'not a file of scores by tools/test.py --dump'),
        (pickle.dumps({'a': ROWS[0]})[:-30], 'or a damaged one'),
    ],
)
def test_damaged_files(tmp_path, content, message):
    path = tmp_path / 'd.pkl'
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_scores(path, LABELS)


def test_a_pickle_that_runs_code_is_refused(tmp_path):
    class Malicious:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / 'trace'),)

    path = write(tmp_path / 'd.pkl', {'a': Malicious()})
    with pytest.raises(InputError, match=r'd\.pkl: .*mkdir'):
        read_scores(path, LABELS)
    assert not (tmp_path / 'trace').exists()


def test_no_file(tmp_path):
    with pytest.raises(InputError, match=r'd\.pkl: no such file, expected a file of scores'):
        read_scores(tmp_path / 'd.pkl')


def test_saved_scores_come_back(tmp_path):
    scores = scores_of([0, 1, 3], [0, 1, 2])
    save_scores(scores, tmp_path / 'new' / 's.pkl')
    found = load_scores(tmp_path / 'new' / 's.pkl')
    assert found.names == scores.names
    np.testing.assert_array_equal(found.labels, scores.labels)
    np.testing.assert_array_equal(found.scores, scores.scores)
    with open(tmp_path / 'new' / 's.pkl', 'rb') as file:
        assert [sample['pred_label'] for sample in pickle.load(file)] == [0, 1, 3]


def test_labels_of_a_split(tmp_path):
    path = make_annotations(tmp_path / 'ann.pkl', per_class=2)
    labels = read_labels(path, 'xsub_val')
    assert labels == {f'xsub_val_{i:03d}': i % 3 for i in range(6)}
    assert len(read_labels(path, None)) == 12
    with pytest.raises(InputError, match=r"no split 'val'; it has xsub_train, xsub_val$"):
        read_labels(path, 'val')


def test_labels_of_a_broken_annotation(tmp_path):
    with open(make_annotations(tmp_path / 'ann.pkl', per_class=2), 'rb') as file:
        data = pickle.load(file)
    del data['annotations'][3]['label']
    path = write(tmp_path / 'broken.pkl', data)
    with pytest.raises(InputError, match=r'broken.pkl: sample .*: label is missing'):
        read_labels(path, 'xsub_val')
