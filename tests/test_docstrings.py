"""The examples in the docstrings of what the packages export, run as a user would."""

import doctest
import importlib
import inspect

import pytest

from tests.conftest import make_annotations

PACKAGES = ('datasets', 'models', 'engine', 'evaluation', 'apis', 'visualization', 'experiments')


def exported():
    for package in PACKAGES:
        module = importlib.import_module(f'csre_mm.{package}')
        for name in module.__all__:
            value = getattr(module, name)
            if inspect.isclass(value) or inspect.isfunction(value):
                yield pytest.param(value, id=f'{package}.{name}')


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """The files that the examples read."""
    folder = tmp_path_factory.mktemp('examples')
    make_annotations(folder / 'data.pkl', splits=('train', 'val'))
    return folder


@pytest.mark.parametrize('value', exported())
def test_the_example_of_the_docstring_runs(monkeypatch, folder, value):
    monkeypatch.chdir(folder)
    assert 'Example:' in (value.__doc__ or ''), 'no example'
    module = importlib.import_module(value.__module__)
    parser = doctest.DocTestParser()
    test = parser.get_doctest(value.__doc__, dict(vars(module)), value.__name__, None, 0)
    assert test.examples, 'an example is a line that begins with >>>'
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    report = []
    runner.run(test, out=report.append)
    assert not runner.failures, ''.join(report)
