import json
import pickle
import re

import matplotlib.image
import numpy as np
import pytest

from tests.commands import Command, write_dump
from tests.evaluation.test_confusion import FIRST, LABELS, MATRIX, SECOND, make_scores


@pytest.fixture
def run(tmp_path, monkeypatch):
    """The command, in a folder with two score files."""
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
    (tmp_path / 'names.txt').write_text('\ufeffzero\none and a half, more\ntwo\nthree\n\n')
    assert run('a=a.pkl', '--classes', 'names.txt', '--pairs', '0,1') == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line[25:].strip() for line in lines[:3]] == ['zero /', 'one and a half,', 'more']
    assert run('a=a.pkl', '--classes', 'nwucla', '--pairs', '2,3') == 2
    assert 'nwucla has 10 names, expected one for each of 4' in capsys.readouterr().err


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
        ('a=missing.pkl', 'missing.pkl: no such file, expected a file of scores'),
        ('a=few.txt', 'few.txt: not a file of scores by tools/test.py --dump, or a damaged one'),
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
    assert message in captured.err
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
