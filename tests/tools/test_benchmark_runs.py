import json
import shutil

import pytest

from csre_mm.datasets.annotations import load_annotations, save_annotations
from csre_mm.evaluation.scores import load_scores
from csre_mm.experiments import execute
from csre_mm.experiments.results import load_results
from tests.commands import Command, captured
from tests.conftest import ROOT, config, options_of
from tests.experiments.plans import write_tools


@pytest.fixture
def parted_file(ucla_file, tmp_path):
    """The small data; `val_clean` is a part of `val`, as on NW-UCLA."""
    data = load_annotations(ucla_file)
    data['split']['val_clean'] = data['split']['val'][:20]
    save_annotations(data, tmp_path / 'parted.pkl')
    return tmp_path / 'parted.pkl'


@pytest.fixture
def benchmark(tmp_path, monkeypatch):
    return Command('benchmark_runs.py', tmp_path, monkeypatch)


def test_trains_tests_and_compares(benchmark, capsys, parted_file, tmp_path):
    once = {'train_cfg.max_epochs': 1, 'train_dataloader.dataset.times': 1}
    options = options_of(parted_file, csre=False, repeated=True, **once)
    narrow = ['model.neck.loss.loss_weight=0.1']
    arguments = [
        *(config('ctrgcn_nwucla'), '--subsets', 'val_clean', '--seeds', 3),
        *('--work-dir', 'runs', '--out', 'results.json', '--only', 'baseline'),
        *('narrow', '--variant', 'narrow', *narrow, '--cfg-options', *options),
    ]
    run = captured(benchmark, capsys)
    status, table, err = run(*arguments)
    assert status == 0 and '2 runs, 0 of them finished before' in err
    assert 'val, 24 samples, last epoch\n' in table
    assert 'val_clean, 20 samples, best epoch (chosen on these samples)\n' in table
    results = load_results(tmp_path / 'results.json')
    assert [experiment.variant for experiment in results.experiments] == ['baseline', 'narrow']
    folder = tmp_path / 'runs/ctrgcn_nwucla/narrow/j/seed3'
    scores = load_scores(folder / 'last.pkl')
    assert results.experiments[1].predicted['last'] == scores.scores.argmax(1).tolist()
    assert len(scores.names) == len(results.names) == 24
    log = results.experiments[1].runs[0]['log']
    assert log['loss_contrast_spatial']['value'][0] > 0 and log['acc/top1']['epoch'] == [1]
    assert {'run.json', 'output.log', 'csre_ctrgcn_nwucla.py', 'epoch_1.pth'} <= {
        path.name for path in folder.iterdir()
    }
    record = json.loads((folder / 'run.json').read_text())
    assert record['command'].startswith('python tools/train.py configs/csre_ctrgcn_nwucla.py ')
    status, again, err = run(*arguments)
    assert status == 0 and '2 runs, 2 of them finished before' in err
    assert again == table
    shutil.rmtree(tmp_path / 'runs')
    status, again, err = run(*arguments)  # the results file alone has all that is published
    assert status == 0 and '2 runs, 2 of them finished before' in err
    assert again == table and load_results(tmp_path / 'results.json') == results


@pytest.mark.parametrize(
    'arguments, message',
    [
        (['--out', 'r.txt'], '--out r.txt: the name must end in .json'),
        (['--jobs', '0'], '--jobs is 0, expected at least 1'),
        (['--seeds', '1', '1'], '--seeds 1 1: one is given twice'),
        (['--folds', '2', '--subsets', 'val_clean'], '--folds do not use it'),
        (['--variant', 'baseline', 'a=1'], '--variant baseline: expected another name, then'),
        (
            ['--variant', 'csre', 'a=1', '--variant', 'csre', 'a=2'],
            '--variant csre: expected another name, then KEY=VALUE',
        ),
        (['--variant', 'light', 'a=[1,2'], '--variant light: brackets do not match'),
        (['--variant', 'light'], '--variant light: expected KEY=VALUE ... after the name'),
        (['--only', 'light'], '--only light: no such variant, there are baseline, csre'),
        (['--fuse', 'ctrgcn'], 'the preset ctrgcn is for 2 or 3 or 4 streams, not for 1'),
        (['--fuse', 'best'], '--fuse best: no such preset of tools/ensemble.py'),
        (
            ['--folds', '2'],
            'data/skeleton/nw_ucla.pkl: no such file, expected an annotation pickle',
        ),
    ],
)
def test_a_bad_command_is_one_line(arguments, message, benchmark, capsys):
    assert benchmark(config('hcn_nwucla'), *arguments) == 2
    error = capsys.readouterr().err
    assert message in error and error.startswith('benchmark_runs.py: error: ')
    assert len(error.splitlines()) == 1


def test_csre_itself_may_have_other_settings(benchmark, capsys):
    setting = 'model.neck.loss.warmup_iters=500'
    assert benchmark(config('hcn_nwucla'), '--variant', 'csre', setting, '--dry-run') == 0
    baseline, csre = capsys.readouterr().out.splitlines()
    assert setting in csre and setting not in baseline


def test_subsets_are_looked_for_before_anything_is_run(benchmark, ucla_file, capsys, tmp_path):
    where = f'test_dataloader.dataset.ann_file={ucla_file}'
    assert benchmark(config('hcn_nwucla'), '--subsets', 'train', '--cfg-options', where) == 2
    assert '--subsets train: it is empty, or no part of the split val' in capsys.readouterr().err
    assert not (tmp_path / 'work_dirs').exists()


def test_a_dry_run_prints_commands(benchmark, capsys, tmp_path):
    assert benchmark(config('hcn_nwucla'), '--seeds', 0, 1, '--amp', '--dry-run') == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4 and not list(tmp_path.iterdir())
    assert all(line.startswith('python tools/train.py ') and ' --amp ' in line for line in lines)
    assert str(ROOT / 'configs/csre_hcn_nwucla.py') in lines[1]


def test_configs_of_other_samples_are_refused_before_anything_is_run(benchmark, capsys, tmp_path):
    assert benchmark(config('hcn_nwucla'), config('hcn_utd_mhad')) == 2
    assert 'hcn_utd_mhad.py test on different samples: call it for each' in capsys.readouterr().err
    assert not (tmp_path / 'work_dirs').exists()


def test_what_is_compared_has_the_same_settings(
    benchmark, capsys, ucla_file, tmp_path, monkeypatch
):
    monkeypatch.setattr(execute, 'ROOT', write_tools(tmp_path / 'project'))
    where = f'test_dataloader.dataset.ann_file={ucla_file}'
    command = [config('hcn_nwucla'), '--cfg-options', where, '--only']
    assert benchmark(*command, 'baseline', '--epochs', 3) == 0
    assert benchmark(*command, 'csre', '--epochs', 4) == 2
    assert 'baseline/j/seed0 has a run of other settings' in capsys.readouterr().err
