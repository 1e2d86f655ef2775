"""README.md, docs/results.md and the metafiles say what the published runs measured."""

import json
import re

import pytest
import yaml

from csre_mm.experiments.results import load_results
from results_pages.grid import PREFIX
from tests.commands import Command
from tests.conftest import ROOT

PUBLISHED = sorted((ROOT / 'docs/results').glob('*.json'))


def test_pages_and_metafiles_are_those_of_the_published_runs(tmp_path, monkeypatch, capsys):
    check = Command('write_results.py', tmp_path, monkeypatch)
    assert check('--check') == 0, capsys.readouterr().err


@pytest.mark.parametrize('path', PUBLISHED, ids=lambda path: path.stem)
def test_what_is_published_can_be_repeated(path):
    results = load_results(path)
    page = (ROOT / 'docs/results.md').read_text()
    mark = 'experiments' if path.stem.startswith(PREFIX) else path.stem
    assert f'<!-- results: {mark} -->' in page
    for experiment in results.experiments:
        assert experiment.runs or experiment.weights
        for run in experiment.runs:
            assert f'--seed {experiment.seed}' in run['command'] and run['log']['acc/top1']['value']
            for attempt in run['attempts']:
                assert attempt['commit'] and not attempt['commit'].endswith('-dirty')
    assert not re.search(r'(^|[\s"=])/\w', path.read_text()), 'a path of a machine'


def test_no_metric_without_a_log():
    for path in ROOT.glob('configs/*/metafile.yml'):
        for model in yaml.safe_load(path.read_text())['Models']:
            assert bool(model['Results']) == ('Training Log' in model)
            if model['Results']:
                assert json.loads((ROOT / model['Training Log']).read_text())['experiments']
