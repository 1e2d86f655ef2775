import json

import pytest

from tests.commands import Command
from tests.evaluation.test_run_curves import EPOCHS, train, write


@pytest.fixture
def run(tmp_path, monkeypatch):
    write(tmp_path / 'base', EPOCHS)
    csre = [train(5, 1, loss=9.0, loss_cls=3.0, spatial_anchors=1.0, spatial_bank_filled=0.5)]
    write(tmp_path / 'csre', csre, end='{"lo')
    return Command('analysis/curves.py', tmp_path, monkeypatch)


def test_table_note_figure_and_numbers(run, tmp_path, capsys):
    files = ['--out', 'new/c.svg', '--json', 'new/c.json']
    assert run('base', 'ours=csre', '--smooth', '2', *files) == 0
    captured = capsys.readouterr()
    assert captured.err == ''
    assert captured.out.split('\n\n')[0].splitlines() == [
        'run     length    loss  classification  top-1  best (at)  anchors  filled',
        '----  --------  ------  --------------  -----  ---------  -------  ------',
        'base  2 epochs  1.0000          2.5000  25.00  50.00 (1)        -       -',
        'ours  1 epochs  9.0000          3.0000      -          -   100.00   50.00',
    ]
    assert 'Note: csre/20260101_000000/vis_data/scalars.json: the last line' in captured.out
    assert '<!-- ours -->' in (tmp_path / 'new' / 'c.svg').read_text()
    report = json.loads((tmp_path / 'new' / 'c.json').read_text())
    assert report['base']['curves']['acc/top1'] == {'x': [1.0, 2.0], 'y': [0.5, 0.25]}
    assert report['ours']['notes']


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ('missing', 'no such run: missing'),
        ('a=', 'a=: expected RUN or NAME=RUN'),
        ('base x=csre base=csre', 'base=csre: there already is a run named base, use NAME=RUN'),
        ('base --out c.gif', 'c.gif: a figure is one of .png .pdf .svg'),
        ('base --json c.txt', '--json c.txt: the name must end in .json'),
        ('base --smooth 0', '--smooth is 0, expected at least 1'),
        (
            'text.log',
            'text.log, line 1: expected a JSON object a line, as in the scalars.json that',
        ),
    ],
)
def test_bad_input_is_one_line_and_status_2(run, tmp_path, capsys, arguments, message):
    (tmp_path / 'text.log').write_text('2026 - mmengine - INFO\n')
    assert run(*arguments.split()) == 2
    captured = capsys.readouterr()
    assert captured.out == '' and captured.err.count('\n') == 1
    assert captured.err.startswith('curves.py: error: ') and message in captured.err


def test_help_has_an_example(run, capsys):
    assert run('--help') == 0
    assert 'example:\n  python tools/analysis/curves.py baseline=' in capsys.readouterr().out
