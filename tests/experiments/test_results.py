import json

import numpy as np
import pytest

from csre_mm.evaluation.ensemble import fuse
from csre_mm.evaluation.scores import load_scores
from csre_mm.experiments import execute
from csre_mm.experiments.execute import Executor
from csre_mm.experiments.plan import plan_runs
from csre_mm.experiments.results import gather_experiments, load_results, save_results
from csre_mm.utils.errors import InputError
from tests.experiments.made_results import make_results
from tests.experiments.plans import request_of, write_tools


def carry_out(runs, tmp_path, monkeypatch):
    monkeypatch.setattr(execute, 'ROOT', write_tools(tmp_path / 'project'))
    executor = Executor(2, [], False, lambda line: None)
    executor(runs)
    assert not executor.failed


def test_experiments_hold_what_the_runs_left(tmp_path, monkeypatch):
    runs = plan_runs(**request_of(tmp_path / 'runs', seeds=[1]))
    with pytest.raises(InputError, match='no run is finished yet'):
        gather_experiments(runs, {})
    carry_out(runs[:1], tmp_path, monkeypatch)
    (experiment,), scores = gather_experiments(runs, {})
    assert (experiment.variant, experiment.seed, experiment.epochs) == (
        'baseline',
        1,
        {'last': [3], 'best': [2]},
    )
    for name in ('last', 'best'):
        found = load_scores(runs[0].folder / f'{name}.pkl')
        assert experiment.predicted[name] == found.scores.argmax(1).tolist()
    assert scores.names == [f's{i:02d}' for i in range(12)]
    (run,) = experiment.runs
    assert run['command'].startswith('python tools/train.py ')
    assert run['log']['loss'] == {'epoch': [1, 2, 3], 'value': [1.0, 0.5, 0.3333]}


def test_an_ensemble_needs_all_its_streams(tmp_path, monkeypatch):
    runs = plan_runs(**request_of(tmp_path / 'runs', streams=['j', 'b']))
    weights = {'j': 0.6, 'b': 0.4}
    carry_out(runs[:3], tmp_path, monkeypatch)  # csre lacks its bone stream
    experiments, _ = gather_experiments(runs, weights)
    assert [(c.variant, c.stream) for c in experiments] == [
        ('baseline', 'j'),
        ('csre', 'j'),
        ('baseline', 'b'),
        ('baseline', 'j+b'),
    ]
    streams = [load_scores(runs[place].folder / 'last.pkl') for place in (0, 2)]
    assert experiments[-1].weights == [0.6, 0.4] and experiments[-1].runs == []
    expected = fuse(streams, [0.6, 0.4]).scores.argmax(1)
    np.testing.assert_array_equal(experiments[-1].predicted['last'], expected)


def test_what_is_written_is_read(tmp_path):
    results = make_results()
    save_results(results, tmp_path / 'results.json')
    assert load_results(tmp_path / 'results.json') == results
    lines = (tmp_path / 'results.json').read_text().splitlines()
    assert ' "labels": [0, 1, 2, 0, 1, 2, 0, 1],' in lines


@pytest.mark.parametrize(
    'change',
    [
        lambda data: data.pop('experiments'),
        lambda data: data['experiments'][0].pop('variant'),
        lambda data: data['experiments'][0]['predicted']['last'].pop(),
        lambda data: data.update(more=1),
    ],
)
def test_a_file_with_something_else(change, tmp_path):
    path = tmp_path / 'results.json'
    save_results(make_results(), path)
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))
    with pytest.raises(InputError, match=r'results\.json holds no results of tools/benchmark_runs'):
        load_results(path)


def test_no_file_and_no_json(tmp_path):
    with pytest.raises(InputError, match='no such results'):
        load_results(tmp_path / 'nothing.json')
    (tmp_path / 'list.json').write_text('[1]')
    with pytest.raises(InputError, match='holds no results'):
        load_results(tmp_path / 'list.json')
