import dataclasses
import json

import numpy as np
import pytest

from csre_mm.evaluation.ensemble import fuse
from csre_mm.evaluation.scores import load_scores
from csre_mm.experiments import execute
from csre_mm.experiments.execute import Executor
from csre_mm.experiments.gather import (
    add_recorded,
    check_kept,
    gather_experiments,
    read_recorded,
)
from csre_mm.experiments.plan import plan_runs
from csre_mm.experiments.results import Results, load_results, save_results
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


def make_file(runs, path):
    experiments, scores = gather_experiments(runs, {})
    about = dict(command='', title='', split='val', held_out=False, subsets={}, variants={})
    results = Results(
        **about,
        names=scores.names[::-1],
        labels=scores.labels.tolist()[::-1],
        num_classes=3,
        experiments=experiments,
    )
    for experiment in experiments:
        experiment.predicted = {key: own[::-1] for key, own in experiment.predicted.items()}
    save_results(results, path)


def test_what_a_results_file_has_need_not_be_run(tmp_path, monkeypatch):
    runs = plan_runs(**request_of(tmp_path / 'runs', seeds=[1, 2]))
    assert read_recorded(tmp_path / 'r.json', runs, False) == (None, set())
    carry_out(runs[:3], tmp_path, monkeypatch)
    whole, scores = gather_experiments(runs, {})
    make_file(runs[:2], tmp_path / 'r.json')
    recorded, done = read_recorded(tmp_path / 'r.json', runs, False)
    assert done == {runs[0].experiment, runs[1].experiment}
    later, _ = gather_experiments(runs[2:], {})
    names, labels = scores.names, scores.labels.tolist()
    results = dataclasses.replace(recorded, names=names, labels=labels, experiments=later)
    assert add_recorded(results, recorded).experiments == whole  # in the order of the new ones
    results.labels[0] += 1
    with pytest.raises(InputError, match='has other labels'):
        add_recorded(results, recorded)
    with pytest.raises(InputError, match='is of other samples'):
        add_recorded(dataclasses.replace(results, names=names[1:]), recorded)


@pytest.mark.parametrize(
    'change, amp, message',
    [
        ({'seeds': [2]}, False, 'r.json has hcn_nwucla baseline j 1, which is not planned'),
        (
            {'seeds': [1], 'epochs': 3},
            False,
            'r.json has hcn_nwucla baseline j 1 with other settings',
        ),
        ({'seeds': [1]}, True, 'r.json has hcn_nwucla baseline j 1 with other settings'),
    ],
)
def test_a_results_file_of_something_else_is_left_alone(
    change, amp, message, tmp_path, monkeypatch
):
    runs = plan_runs(**request_of(tmp_path / 'runs', seeds=[1]))
    carry_out(runs, tmp_path, monkeypatch)
    make_file(runs, tmp_path / 'r.json')
    with pytest.raises(InputError, match=message):
        read_recorded(tmp_path / 'r.json', plan_runs(**request_of('runs', **change)), amp)


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


def first(data):
    return data['experiments'][0]['predicted']


@pytest.mark.parametrize(
    'change, message',
    [
        (lambda data: data.pop('experiments'), 'the content lacks experiments'),
        (lambda data: data['experiments'][0].pop('variant'), r'experiments\[0\] lacks variant'),
        (lambda data: first(data)['last'].pop(), '7 predictions for 8 names'),
        (lambda data: data.update(more=1), "has 'more', expected command, title"),
        (lambda data: first(data).update(last=['0'] * 8), r"last\[0\] is '0', expected int"),
        (lambda data: first(data).update(last=[3] * 8), 'classes 3 to 3, expected 0 to 2'),
        (lambda data: first(data).update(best=[-1] * 8), 'best: classes -1 to -1, expected 0 to 2'),
        (lambda data: first(data).pop('best'), 'has no predictions of last, best'),
        (lambda data: data.update(labels=[True] * 8), r'labels\[0\] is True, expected int'),
        (lambda data: data.update(names=['s0'] * 8), 'a name comes twice'),
        (lambda data: data['subsets'].update(x=['s99']), "subset 'x' has a name that is not in"),
        (lambda data: data['experiments'].append(data['experiments'][1]), r'1\) comes twice'),
        (lambda data: data['experiments'][0].update(seed=None), 'seed is None, expected int'),
        (lambda data: data['experiments'][0]['runs'][0].pop('attempts'), 'lacks attempts'),
        (lambda data: data['experiments'][0].update(runs=[1]), r'runs\[0\] is 1, expected a dict'),
        (lambda data: data['experiments'][0].update(weights=['x']), 'weights.* expected float'),
    ],
)
def test_a_file_with_something_else(change, message, tmp_path):
    path = tmp_path / 'results.json'
    save_results(make_results(), path)
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))
    expected = rf'results\.json holds no results of tools/benchmark_runs\.py: .*{message}'
    with pytest.raises(InputError, match=expected) as caught:
        load_results(path)
    assert '\n' not in str(caught.value)


def test_no_file_and_no_json(tmp_path):
    with pytest.raises(InputError, match=r'nothing\.json: no such file'):
        load_results(tmp_path / 'nothing.json')
    (tmp_path / 'list.json').write_text('[1]')
    with pytest.raises(InputError, match='holds no results'):
        load_results(tmp_path / 'list.json')


def test_an_ensemble_does_not_overwrite_what_it_lacks(tmp_path):
    save_results(make_results(), tmp_path / 'results.json')
    fewer = make_results()
    del fewer.experiments[-1]
    with pytest.raises(InputError, match=r'results\.json has .* which is not finished here'):
        check_kept(tmp_path / 'results.json', fewer)
    check_kept(tmp_path / 'results.json', make_results())
