import json
import math
import pickle
import re

import matplotlib
import matplotlib.image
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
from csre_mm.visualization.confusion_figure import draw_confusion
from tests.commands import Command, write_dump

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


def draw(path, classes=4, models=2, pairs=(), occurring=None):
    rng = np.random.default_rng(0)
    counts = rng.poisson(1.0, (models, classes, classes)) + 20 * np.eye(classes, dtype=np.int64)
    counts[:, occurring or classes :] = 0
    counts[:, :, occurring or classes :] = 0
    matrices = {f'model {i}': matrix for i, matrix in enumerate(counts)}
    draw_confusion(matrices, [f'class {i}' for i in range(classes)], path, pairs)


def has_colour(image, colour):
    return bool((np.abs(image[..., :3] - np.array(colour) / 255).max(axis=-1) < 0.02).any())


@pytest.mark.parametrize(('classes', 'models'), [(4, 1), (10, 2), (60, 2)])
def test_figure_is_readable_and_has_the_width_of_a_column(tmp_path, classes, models):
    path = tmp_path / 'new' / 'confusion.png'
    draw(path, classes, models, pairs=[(0, 1)])
    image = matplotlib.image.imread(path)
    height, width = (inches / 200 for inches in image.shape[:2])
    least, most = {1: (2.0, 3.8), 2: (5.5, 12)}[models]
    assert least < width < most
    assert 1.5 < height < width * 1.3
    assert has_colour(image, (0x08, 0x30, 0x6B))  # the end of the scale
    assert has_colour(image, (0xD5, 0x5E, 0x00))  # the outline
    assert list(path.parent.iterdir()) == [path]


def test_without_pairs_there_is_no_outline(tmp_path):
    draw(tmp_path / 'confusion.png')
    assert not has_colour(matplotlib.image.imread(tmp_path / 'confusion.png'), (0xD5, 0x5E, 0x00))


def test_classes_that_do_not_occur_are_left_out(tmp_path):
    draw(tmp_path / 'all.svg', 6)
    draw(tmp_path / 'some.svg', 6, occurring=4)
    assert '<!-- class 5 -->' in (tmp_path / 'all.svg').read_text()
    text = (tmp_path / 'some.svg').read_text()
    assert '<!-- class 3 -->' in text
    assert '<!-- class 4 -->' not in text and '<!-- class 5 -->' not in text


def test_numbers_names_and_accuracy_are_in_the_figure(tmp_path):
    draw_confusion({'ours $x': MATRIX}, ['a$b$', 'b', 'c', 'd'], tmp_path / 'c.svg')
    text = (tmp_path / 'c.svg').read_text()
    for words in ('ours $x (60.0 %)', 'a$b$', 'True class', 'Predicted class'):
        assert f'<!-- {words} -->' in text
    # 50 % in the entries (0, 0), (1, 0), (1, 1), (3, 2) and (3, 3), and once on the scale
    assert text.count('<!-- 50 -->') == 6
    assert text.count('<!-- 25 -->') == 3


@pytest.mark.parametrize(
    ('suffix', 'start'), [('.pdf', b'%PDF'), ('.svg', b'<?xml'), ('.PNG', b'\x89PNG')]
)
def test_formats_are_written_reproducibly_whatever_the_users_style(tmp_path, suffix, start):
    draw(tmp_path / f'one{suffix}')
    with matplotlib.rc_context({'font.size': 20, 'axes.facecolor': 'red'}):
        draw(tmp_path / f'two{suffix}')
        assert matplotlib.rcParams['font.size'] == 20
    content = (tmp_path / f'one{suffix}').read_bytes()
    assert content.startswith(start)
    assert content == (tmp_path / f'two{suffix}').read_bytes()


def test_figure_refuses(tmp_path):
    with pytest.raises(InputError, match=r'a\.jpeg: a figure is one of \.png \.pdf \.svg'):
        draw(tmp_path / 'a.jpeg')
    with pytest.raises(ValueError, match=r'a matrix of shape \(4, 4\) for 3 class names'):
        draw_confusion({'a': MATRIX}, 'abc', tmp_path / 'a.png')
    with pytest.raises(ValueError, match='no sample'):
        draw_confusion({'a': 0 * MATRIX}, 'abcd', tmp_path / 'a.png')
    assert not list(tmp_path.iterdir())


@pytest.fixture
def run(tmp_path, monkeypatch):
    """The command, beside two score files."""
    write_dump(tmp_path / 'a.pkl', make_scores(FIRST))
    write_dump(tmp_path / 'b.pkl', make_scores(SECOND), order=[3, 9, 0, 8, 1, 7, 2, 6, 4, 5])
    return Command('analysis/confusion.py', tmp_path, monkeypatch)


def rows(text):
    """Entries of the table below the header, up to the first empty line."""
    lines = text.split('\n\n')[0].splitlines()
    below = next(i for i, line in enumerate(lines) if line.startswith('---')) + 1
    return [re.split(r' {2,}', line) for line in lines[below:]]


def test_table_of_given_pairs(run, capsys):
    assert run('base=a.pkl', 'csre=b.pkl', '--pairs', '0,1', '3,2') == 0
    assert capsys.readouterr().out.split('\n\n')[0].splitlines() == [
        '                                 0 /        3 /',
        'model  top-1  mean class           1          2',
        '-----  -----  ----------  ----------  ---------',
        'base   60.00       62.50   50.00 (2)  75.00 (1)',
        'csre   90.00       87.50  100.00 (0)  75.00 (0)',
    ]


def test_most_confused_pairs_of_the_first_model_are_the_default(run, capsys):
    assert run('base=a.pkl', 'csre=b.pkl', '--top', '2') == 0
    out = capsys.readouterr().out
    assert rows(out) == [
        ['base', '60.00', '62.50', '50.00 (2)', '66.67 (1)'],
        ['csre', '90.00', '87.50', '100.00 (0)', '100.00 (0)'],
    ]
    assert 'The pairs are those that base confuses most.' in out
    assert run('b.pkl') == 0  # named after the file
    assert rows(capsys.readouterr().out) == [['b', '90.00', '87.50', '83.33 (1)']]


def test_names_of_classes(run, tmp_path, capsys):
    (tmp_path / 'names.txt').write_text('\ufeffzero\none and a half, more\ntwo\nthree\nfour\n\n')
    assert run('a=a.pkl', '--classes', 'names.txt', '--pairs', '0,1') == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line[25:].strip() for line in lines[:3]] == ['zero /', 'one and a half,', 'more']
    assert run('a=a.pkl', '--classes', 'synthetic', '--pairs', '2,3') == 0
    assert 'clap evenly /' in capsys.readouterr().out


def test_figure_and_numbers(run, tmp_path):
    files = ['--out', 'new/c.png', '--json', 'new/c.json']
    assert run('base=a.pkl', 'csre=b.pkl', '--pairs', '2,3', *files) == 0
    assert matplotlib.image.imread(tmp_path / 'new' / 'c.png').shape[1] > 600
    report = json.loads((tmp_path / 'new' / 'c.json').read_text())
    assert report['class_names'] == ['0', '1', '2', '3']
    assert list(report['models']) == ['base', 'csre']
    assert report['models']['base'] == {
        'samples': 10,
        'top1': 0.6,
        'mean_class_accuracy': 0.625,
        'class_accuracies': [0.5, 0.5, 1.0, 0.5],
        'pairs': [{'classes': [2, 3], 'accuracy': 0.75, 'confused': 1, 'samples': 4}],
        'matrix': MATRIX.tolist(),
    }
    assert report['models']['csre']['matrix'][3] == [1, 0, 0, 1]


def test_classes_without_samples_are_dashes_and_null(run, tmp_path, capsys):
    write_dump(tmp_path / 'c.pkl', make_scores([0, 0], [0, 1], 4))
    assert run('c=c.pkl', '--pairs', '2,3', '--json', 'c.json') == 0
    assert rows(capsys.readouterr().out) == [['c', '50.00', '50.00', '- (0)']]
    report = json.loads((tmp_path / 'c.json').read_text())['models']['c']
    assert report['class_accuracies'] == [1.0, 0.0, None, None]
    assert report['pairs'][0]['accuracy'] is None


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ('a.pkl a=b.pkl', 'a=b.pkl: there already is a model named a, use NAME=FILE'),
        ('=a.pkl', '=a.pkl: expected FILE or NAME=FILE'),
        ('a=', 'a=: expected FILE or NAME=FILE'),
        ('a=a.pkl a=b.pkl', 'a=b.pkl: there already is a model named a, use NAME=FILE'),
        ('a=missing.pkl', 'no such score file: missing.pkl'),
        (
            'a=few.txt',
            'few.txt holds no scores written by tools/test.py --dump: '
            'not a pickle, or a damaged one',
        ),
        ('a=a.pkl b=other.pkl', 'b lacks samples that a has: s2, s3, s4, s5, s6 and 3 more'),
        ('a=a.pkl b=relabelled.pkl', 'a and b have different labels for s0'),
        ('a=double.pkl', 'a: more than one sample is named s0'),
        ('a=a.pkl --pairs 0,1 1,4', '--pairs 1,4: the scores have the classes 0 to 3'),
        ('a=a.pkl --pairs 1,1', '--pairs 1,1: expected two different classes'),
        ('a=a.pkl --pairs 1', '--pairs 1: expected two labels, such as 0,1'),
        ('a=a.pkl --pairs 1,x', '--pairs 1,x: expected two labels, such as 0,1'),
        ('a=a.pkl --classes few.txt', 'few.txt has 3 names, expected one for each of 4 classes'),
        ('a=a.pkl --classes gap.txt', 'class names gap.txt: line 2 is empty, expected a name'),
        ('a=a.pkl --classes a.pkl', 'class names a.pkl is not a text file in UTF-8'),
        (
            'a=a.pkl --classes no.txt',
            'no.txt: no such file, and none of ntu120, ntu60, nwucla, synthetic, utd_mhad',
        ),
        ('a=a.pkl --out c.jpeg', 'c.jpeg: a figure is one of .png .pdf .svg'),
        ('a=a.pkl --json c.txt', '--json c.txt: the name must end in .json'),
        ('a=a.pkl --top 0', '--top is 0, expected at least 1'),
    ],
)
def test_bad_input_is_one_line_and_status_2(run, tmp_path, capsys, arguments, message):
    (tmp_path / 'few.txt').write_text('a\nb\nc\n')
    (tmp_path / 'gap.txt').write_text('a\n\nc\nd\n')
    write_dump(tmp_path / 'other.pkl', make_scores([0, 0], [0, 0]))
    write_dump(tmp_path / 'relabelled.pkl', make_scores(FIRST, [1, *LABELS[1:]]))
    write_dump(tmp_path / 'double.pkl', make_scores(FIRST), order=[0, 1, 2, 0])
    before = sorted(tmp_path.iterdir())
    assert run(*arguments.split()) == 2
    captured = capsys.readouterr()
    assert captured.out == ''
    assert captured.err.count('\n') == 1
    assert captured.err.startswith('confusion.py: error: ')
    assert captured.err.rstrip().endswith(message)
    assert sorted(tmp_path.iterdir()) == before


def test_help_has_an_example(run, capsys):
    assert run('--help') == 0
    out = capsys.readouterr().out
    assert 'example:\n  python tools/analysis/confusion.py baseline=' in out


def test_synthetic_names_of_a_classifier_with_more_classes(run, tmp_path, capsys):
    """The demo's has the 60 classes of NTU RGB+D; labels and predictions are among the first 12."""
    scores = [
        {'frame_dir': name, 'gt_label': label, 'pred_label': label, 'pred_score': row}
        for name, label, row in zip(
            'xy', (2, 3), np.eye(60, dtype=np.float32)[[2, 59]], strict=True
        )
    ]
    (tmp_path / 'sixty.pkl').write_bytes(pickle.dumps(scores, protocol=4))
    assert run('a=sixty.pkl', '--classes', 'synthetic', '--pairs', '2,3', '--out', 'a.png') == 0
    assert 'clap evenly /' in capsys.readouterr().out
