"""The examples in the docstrings of what the packages export, run as a user would."""

import doctest
import importlib
import inspect
import json

import numpy as np
import pytest
import torch

from tests.commands import scores_of, write_dump
from tests.conftest import make_annotations
from tests.inference import make_checkpoint, write_config
from tests.releases import hcn

PACKAGES = ('datasets', 'models', 'engine', 'evaluation', 'apis', 'visualization', 'experiments')


def exported():
    for package in PACKAGES:
        module = importlib.import_module(f'csre_mm.{package}')
        for name in module.__all__:
            value = getattr(module, name)
            if inspect.isclass(value) or inspect.isfunction(value):
                yield pytest.param(value, module, id=f'{package}.{name}')


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """The files that the examples read."""
    folder = tmp_path_factory.mktemp('examples')
    make_annotations(folder / 'data.pkl', splits=('train', 'val'))
    np.save(folder / 'own.npy', np.random.default_rng(0).normal(size=(2, 20, 25, 3)))
    labels = [0, 1, 2] * 4
    for name, wrong in (('baseline', (2, 5, 6, 8, 9, 11)), ('csre', (2, 6, 9))):
        predictions = [(label + (i in wrong)) % 3 for i, label in enumerate(labels)]
        write_dump(folder / f'{name}.pkl', scores_of(predictions, labels, classes=3))
    ntu_file = make_annotations(folder / 'ntu.pkl')
    cfg, checkpoint = make_checkpoint('csre_ctrgcn_ntu60', ntu_file, folder, log_level='ERROR')
    write_config(cfg, folder)
    state = torch.load(checkpoint)
    for bank in ('spatial', 'temporal'):
        features, labels = torch.eye(256)[:4], torch.tensor([0, 0, 1, -1])
        state['state_dict'][f'neck.loss_{bank}.bank.features'] = features
        state['state_dict'][f'neck.loss_{bank}.bank.labels'] = labels
    torch.save(state, folder / 'epoch_1.pth')
    torch.save(dict(hcn()), folder / 'released.pt')
    (folder / 'run/start/vis_data').mkdir(parents=True)
    entries = [dict(epoch=epoch, iter=4 * epoch, loss=2.0 / epoch) for epoch in (1, 2)]
    log = ''.join(json.dumps(entry) + '\n' for entry in entries)
    (folder / 'run/start/vis_data/scalars.json').write_text(log)
    return folder


@pytest.mark.parametrize('value, package', exported())
def test_the_example_of_the_docstring_runs(monkeypatch, folder, value, package):
    """An example may use the names of its module, and what its package exports."""
    monkeypatch.chdir(folder)
    assert 'Example:' in (value.__doc__ or ''), 'no example'
    module = importlib.import_module(value.__module__)
    names = vars(module) | {name: getattr(package, name) for name in package.__all__}
    test = doctest.DocTestParser().get_doctest(value.__doc__, names, value.__name__, None, 0)
    assert test.examples, 'an example is a line that begins with >>>'
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    report = []
    runner.run(test, out=report.append)
    assert not runner.failures, ''.join(report)
