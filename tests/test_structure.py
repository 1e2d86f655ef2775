"""The packages of csre_mm: which may import which."""

import importlib.util

from tests.conftest import ROOT


def load_figures():
    spec = importlib.util.spec_from_file_location('draw', ROOT / 'docs/figures/draw.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_no_import_runs_upwards():
    figures = load_figures()
    order = list(figures.ROOMS)
    packages = {path.parent.name for path in (ROOT / 'csre_mm').glob('*/__init__.py')}
    assert packages == set(order)
    upwards = [
        f'{path.relative_to(ROOT)} imports {target}'
        for path, source, target in figures.imports()
        if source in order and order.index(source) < order.index(target)
    ]
    assert upwards == []


def test_an_import_that_runs_upwards_is_seen(tmp_path):
    (tmp_path / 'utils').mkdir()
    (tmp_path / 'utils/a.py').write_text('def f():\n    from csre_mm import apis\n')
    assert [room[1:] for room in load_figures().imports(tmp_path)] == [('utils', 'apis')]


def test_the_figures_are_drawn(tmp_path, monkeypatch):
    figures = load_figures()
    monkeypatch.setattr(figures, 'HERE', tmp_path)
    figures.main()
    method = (tmp_path / 'csre.svg').read_text()
    words = ('encoder', 'STFD', 'spatial bank', 'temporal bank')
    assert all(f'>{word}<' in method for word in words)
    assert '>visualization<' in (tmp_path / 'rooms.svg').read_text()
