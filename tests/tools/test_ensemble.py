import json
import pickle

import numpy as np
import pytest

from csre_mm.evaluation import load_scores
from tests.commands import Command, scores_of, write_dump
from tests.conftest import make_annotations

LABELS = [i % 3 for i in range(6)]
"""Of the six samples of xsub_val in the fixture's annotation file."""
NAMES = [f'xsub_val_{i:03d}' for i in range(6)]


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Streams of six samples: j is right on the first four, b on the last four."""
    make_annotations(tmp_path / 'ann.pkl', per_class=2)
    j = scores_of([0, 1, 2, 0, 0, 0], LABELS, 3, NAMES, seed=0)
    b = scores_of([1, 2, 2, 0, 1, 2], LABELS, 3, NAMES, seed=1)
    write_dump(tmp_path / 'j.pkl', j)
    write_dump(tmp_path / 'b.pkl', b, order=[5, 3, 1, 0, 2, 4])
    train = [name.replace('val', 'train') for name in NAMES]
    write_dump(tmp_path / 'j_train.pkl', j._replace(names=train))
    write_dump(tmp_path / 'b_train.pkl', b._replace(names=train), order=[1, 0, 2, 3, 5, 4])
    logits = np.log(b.scores)
    for file, keys in (('logits.pkl', NAMES), ('numbered.pkl', range(6))):
        data = dict(zip(keys, logits, strict=True))
        (tmp_path / file).write_bytes(pickle.dumps(data))
    (tmp_path / 'names.txt').write_text('\n'.join(NAMES))
    return Command('ensemble.py', tmp_path, monkeypatch)


def rows(text):
    return [line.split() for line in text.split('\n\n')[0].splitlines()[2:]]


def test_streams_pairs_and_the_whole(run, tmp_path, capsys):
    files = ['--out', 'new/f.pkl', '--json', 'new/f.json']
    assert run('j.pkl', 'bone=b.pkl', '--weights', '2', '1', *files) == 0
    captured = capsys.readouterr()
    assert captured.err == ''
    assert rows(captured.out) == [
        ['j', '66.67', '100.00', '66.67'],
        ['bone', '66.67', '100.00', '66.67'],
        ['j', '+', 'bone', '66.67', '100.00', '66.67'],
    ]
    assert 'In per cent of 6 samples.\nWeights (given): j 2, bone 1.\n' in captured.out
    j, b, fused = (load_scores(tmp_path / name) for name in ('j.pkl', 'b.pkl', 'new/f.pkl'))
    assert fused.names == j.names
    for i, name in enumerate(j.names):
        expected = 2 * j.scores[i].astype(float) + b.scores[b.names.index(name)]
        np.testing.assert_allclose(fused.scores[i], expected, rtol=1e-6)
    report = json.loads((tmp_path / 'new' / 'f.json').read_text())
    assert report['samples'] == 6 and report['weights'] == 'given'
    assert report['streams'][1] == {'name': 'bone', 'file': 'b.pkl', 'weight': 1.0}
    assert report['accuracies'][2]['streams'] == ['j', 'bone']
    assert report['accuracies'][2]['top1'] == pytest.approx(4 / 6)


def test_every_pair_of_four_streams(run, capsys):
    files = ['joint=j.pkl', 'bone=b.pkl', 'joint_motion=j.pkl', 'bone_motion=b.pkl']
    assert run(*files, '--weights', 'ctrgcn') == 0
    out = capsys.readouterr().out
    assert len(rows(out)) == 4 + 6 + 1
    assert "Weights (ctrgcn: CTR-GCN's release, ensemble.py): joint 0.6, bone 0.6, joint_m" in out


@pytest.mark.parametrize(
    ('file', 'names'), [('logits.pkl', []), ('numbered.pkl', ['--names', 'names.txt'])]
)
def test_dictionaries_of_other_code(run, capsys, file, names):
    labels = ['--ann', 'ann.pkl', '--split', 'xsub_val', *names]
    assert run('j.pkl', f'x={file}', *labels) == 0
    out = capsys.readouterr().out
    assert rows(out)[1] == ['x', '66.67', '100.00', '66.67']
    assert 'Note: x look like logits and the other streams like probabilities' in out
    assert run('b.pkl', f'x={file}', *labels, '--softmax', '--out', 'f.pkl') == 0
    assert 'The softmax was taken of x.' in capsys.readouterr().out
    b, fused = load_scores('b.pkl'), load_scores('f.pkl')
    np.testing.assert_allclose(fused.scores, 2 * b.scores, rtol=1e-5)


def test_weights_are_fitted_on_another_split(run, capsys):
    assert run('j.pkl', 'b.pkl', '--fit-on', 'j_train.pkl', 'b_train.pkl') == 0
    out = capsys.readouterr().out
    assert (
        'Weights (fitted on 6 samples of another split, j_train.pkl, b_train.pkl; none of them is '
        'reported here): j ' in out
    )


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ('j.pkl b.pkl --fit-on j.pkl b.pkl', '--fit-on has 6 samples that are reported, too'),
        ('j.pkl b.pkl --fit-on j_train.pkl', '--fit-on has 1 files for 2 streams'),
        ('j.pkl b.pkl --weights 1', '2 streams take 2 weights, not 1'),
        (
            'j.pkl b.pkl --weights 1 x',
            '--weights 1 x: expected a number for each stream, or one of',
        ),
        ('j.pkl b.pkl --weights blockgcn-ntu', 'blockgcn-ntu is for 4 streams, not for 2'),
        ('j.pkl j.pkl', 'j.pkl: there already is a stream named j, use NAME=FILE'),
        ('=j.pkl', '=j.pkl: expected FILE or NAME=FILE'),
        ('j.pkl missing.pkl', 'missing.pkl: no such file, expected a file of scores'),
        ('j.pkl few.pkl', 'few lacks samples that j has: xsub_val_002, xsub_val_003'),
        ('few.pkl j.pkl', 'few lacks samples that j has: xsub_val_002, xsub_val_003'),
        ('double.pkl', 'double: more than one sample is named xsub_val_000'),
        ('j.pkl j_train.pkl', 'j_train lacks samples that j has: xsub_val_000'),
        ('logits.pkl', 'logits.pkl holds no labels: give the annotation file with --ann'),
        ('numbered.pkl --ann ann.pkl --split xsub_val', 'with --names'),
        (
            'logits.pkl --ann ann.pkl --split val',
            "ann.pkl has no split 'val'; it has xsub",
        ),
        ('logits.pkl --ann ann.pkl --split xsub_train', 'without a label in --ann: xsub_val_000'),
        ('logits.pkl --ann no.pkl', 'no.pkl: no such file, expected an annotation pickle'),
        ('logits.pkl --split xsub_val', '--split is a split of an annotation file: give it with'),
        ('j.pkl --names no.txt', '--names no.txt: no such file'),
        ('j.pkl --fit-names no.txt', '--fit-names belongs to --fit-on'),
        ('j.pkl --fit-split val', '--fit-split belongs to --fit-on'),
        ('j.pkl --out f.npz', '--out f.npz: the name must end in .pkl'),
        ('j.pkl --json f.txt', '--json f.txt: the name must end in .json'),
    ],
)
def test_bad_input_is_one_line_and_status_2(run, tmp_path, capsys, arguments, message):
    few = scores_of([0, 1], [0, 1], 3, NAMES[:2])
    write_dump(tmp_path / 'few.pkl', few)
    write_dump(tmp_path / 'double.pkl', few, order=[0, 1, 0])
    before = sorted(tmp_path.iterdir())
    assert run(*arguments.split()) == 2
    captured = capsys.readouterr()
    assert captured.out == '' and captured.err.count('\n') == 1
    assert captured.err.startswith('ensemble.py: error: ') and message in captured.err
    assert sorted(tmp_path.iterdir()) == before


def test_help_has_examples_and_presets(run, capsys):
    assert run('--help') == 0
    out = capsys.readouterr().out
    assert 'examples:\n  python tools/ensemble.py joint=' in out
    assert "hyperformer-ntu    0.4  0.6  0.2  0.2   (Hyperformer's release, ensemble.py)" in out
