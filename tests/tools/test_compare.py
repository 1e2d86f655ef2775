import json

import matplotlib.image
import pytest

from tests.commands import Command, scores_of, write_dump

LABELS = [0, 0, 0, 0, 1, 1, 2, 2, 3, 3]
FIRST = [0, 0, 1, 2, 1, 0, 2, 2, 3, 2]
SECOND = [0, 0, 0, 0, 1, 1, 2, 3, 3, 0]


@pytest.fixture
def run(tmp_path, monkeypatch):
    for seed in range(3):
        write_dump(tmp_path / f'b{seed}.pkl', scores_of(FIRST, LABELS, seed=seed))
        order = [3, 9, 0, 8, 1, 7, 2, 6, 4, 5]
        write_dump(tmp_path / f'c{seed}.pkl', scores_of(SECOND, LABELS, seed=9 + seed), order)
    return Command('analysis/compare.py', tmp_path, monkeypatch)


def test_what_is_printed(run, capsys):
    assert run('b0.pkl', 'c0.pkl') == 0
    captured = capsys.readouterr()
    assert captured.err == ''
    accuracy, text, classes, pairs, flips = captured.out.split('\n\n')
    assert accuracy.splitlines() == [
        'run  baseline   csre  change  only baseline  only csre  McNemar p',
        '---  --------  -----  ------  -------------  ---------  ---------',
        '0       60.00  80.00  +20.00              1          3       0.62',
    ]
    assert 'Top-1 in per cent of 10 samples' in text
    assert 'Change: +20.00 points; 95 % interval -' in text
    assert 'The interval contains 0: no difference in accuracy is shown.' in text
    assert 'Other seeds may give another answer' in text
    assert 'Mean class accuracy: 62.50 (baseline) and 75.00 (csre).' in text
    assert classes.splitlines()[2:] == [
        '0            4     50.00  100.00  +50.00',
        '1            2     50.00  100.00  +50.00',
        '3            2     50.00   50.00   +0.00',
        '2            2    100.00   50.00  -50.00',
    ]
    assert pairs.splitlines()[2:-1] == [
        '0 / 1                              6         2     0',
        '2 / 3                              4         1     1',
        '0 / 2                              6         1     0',
        '0 / 3                              6         0     1',
    ]
    assert flips.splitlines() == ['Gained: 3 samples: s02, s03, s05', 'Lost: 1 samples: s07']


def test_seeds_figures_and_numbers(run, tmp_path, capsys):
    (tmp_path / 'names.txt').write_text('drink\nphone\nwave\nclap\n')
    runs = ['--baseline', *(f'b{i}.pkl' for i in range(3)), '--csre']
    runs += [f'c{i}.pkl' for i in range(3)]
    files = ['--out', 'new/c.png', '--json', 'new/c.json', '--classes', 'names.txt']
    assert run(*runs, *files, '--labels', 'CTR-GCN', 'ours', '--top', '1') == 0
    out = capsys.readouterr().out
    assert 'standard deviation over 3 seeds 0.00' in out
    assert 'bootstrap over samples and seeds, 10,000 resamples' in out
    assert 'Gained: 3 samples: s02 and 2 more' in out
    assert 'drink / phone' in out and 'wave / clap' not in out
    assert '\n...\n' in out  # the classes between the first and the last
    for name in ('c_classes.png', 'c_pairs.png'):
        assert matplotlib.image.imread(tmp_path / 'new' / name).shape[1] == 700
    report = json.loads((tmp_path / 'new' / 'c.json').read_text())
    assert report['models'] == ['CTR-GCN', 'ours'] and report['seeds'] == 3
    assert report['top1']['interval']['over_seeds'] is True
    assert report['samples'] == 10 and report['class_names'][0] == 'drink'
    assert report['top1']['mean_difference'] == pytest.approx(0.2)
    assert report['top1']['standard_deviation'] == pytest.approx(0, abs=1e-12)
    assert report['mean_class_accuracy'] == {'before': 0.625, 'after': 0.75}
    assert report['classes'][0]['gain'] == 0.5 and len(report['pairs']) == 4
    assert [flip['name'] for flip in report['lost']] == ['s07']
    assert len(report['top1']['mcnemar']) == 3 and len(report['classes']) == 4
    assert report['gained'][0] == {
        'name': 's02',
        'label': 0,
        'before': [1, 1, 1],
        'after': [0, 0, 0],
        'net': 3,
    }


def test_equal_models(run, capsys):
    assert run('b0.pkl', 'b0.pkl', '--out', 'x.svg') == 0
    out = capsys.readouterr().out
    assert 'Change: +0.00 points; 95 % interval +0.00 to +0.00' in out
    assert 'no difference in accuracy is shown' in out
    assert 'Gained: 0 samples\nLost: 0 samples\n' in out


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ('b0.pkl', '1 files given, expected the baseline and CSRE, or --baseline and --csre with'),
        ('b0.pkl c0.pkl c1.pkl', '3 files given, expected'),
        ('--baseline b0.pkl', '0 files given, expected'),
        ('b0.pkl c0.pkl --csre c1.pkl', 'give two files, or --baseline and --csre, not both'),
        ('--baseline b0.pkl --csre c0.pkl c1.pkl', '1 score files before and 2 after, expected as'),
        ('--baseline b0.pkl b0.pkl --csre c0.pkl c1.pkl', 'b0.pkl is given twice for baseline'),
        (
            '--baseline b0.pkl copy.pkl --csre c0.pkl c1.pkl',
            'baseline copy.pkl has the same scores as baseline b0.pkl: it is no other seed',
        ),
        ('b0.pkl missing.pkl', 'missing.pkl: no such file, expected a file of scores'),
        ('b0.pkl few.pkl', 'csre few.pkl lacks samples that baseline b0.pkl has: s02, s03'),
        ('b0.pkl few.txt', 'few.txt: not a file of scores by tools/test.py --dump'),
        (
            'b0.pkl c0.pkl --classes few.txt',
            'few.txt has 2 names, expected one for each of 4',
        ),
        ('b0.pkl c0.pkl --classes no.txt', 'class names no.txt: no such file'),
        ('b0.pkl c0.pkl --out c.gif', 'c.gif: a figure is one of .png .pdf .svg'),
        ('b0.pkl c0.pkl --json c.txt', '--json c.txt: the name must end in .json'),
        ('b0.pkl c0.pkl --top 0', '--top is 0, expected at least 1'),
        ('b0.pkl c0.pkl --labels a a', '--labels a a: expected two different names'),
    ],
)
def test_bad_input_is_one_line_and_status_2(run, tmp_path, capsys, arguments, message):
    (tmp_path / 'few.txt').write_text('a\nb\n')
    write_dump(tmp_path / 'few.pkl', scores_of([0, 0], [0, 0]))
    (tmp_path / 'copy.pkl').write_bytes((tmp_path / 'b0.pkl').read_bytes())
    before = sorted(tmp_path.iterdir())
    assert run(*arguments.split()) == 2
    captured = capsys.readouterr()
    assert captured.out == '' and captured.err.count('\n') == 1
    assert captured.err.startswith('compare.py: error: ') and message in captured.err
    assert sorted(tmp_path.iterdir()) == before


def test_help_has_an_example(run, capsys):
    assert run('--help') == 0
    assert 'examples:\n  python tools/analysis/compare.py work_dirs/' in capsys.readouterr().out
