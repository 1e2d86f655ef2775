import shutil

import pytest
import yaml

from csre_mm.experiments.results import save_results
from tests.commands import Command
from tests.conftest import ROOT
from tests.experiments.made_results import make_results


@pytest.fixture
def project(tmp_path):
    """A folder with configs, results and the two pages."""
    shutil.copytree(ROOT / 'configs', tmp_path / 'configs')
    for metafile in (tmp_path / 'configs').glob('*/metafile.yml'):
        metafile.unlink()
    (tmp_path / 'docs/results').mkdir(parents=True)
    save_results(make_results(), tmp_path / 'docs/results/hcn.json')
    mark = '<!-- results: {} -->\n<!-- end of results -->\n'
    (tmp_path / 'README.md').write_text('top\n' + mark.format('overview'))
    (tmp_path / 'docs/results.md').write_text(mark.format('hcn') + mark.format('missing'))
    return tmp_path


@pytest.fixture
def write(tmp_path, monkeypatch):
    return Command('write_results.py', tmp_path, monkeypatch)


def test_writes_metafiles_and_pages(project, write, capsys):
    assert write('--root', project, '--check') == 2
    assert 'not as docs/results says: configs/hcn/metafile.yml, ' in capsys.readouterr().err
    assert write('--root', project) == 0
    assert 'wrote README.md\n' in capsys.readouterr().out
    readme = (project / 'README.md').read_text()
    metafile = yaml.safe_load((project / 'configs/hcn/metafile.yml').read_text())
    top1 = metafile['Models'][1]['Results'][0]['Metrics']['Top 1 Accuracy']
    assert readme.startswith('top\n') and f'| {top1:.2f} |' in readme
    assert '| 62.50 | 12.50 |' in (project / 'docs/results.md').read_text()
    index = yaml.safe_load((project / 'model-index.yml').read_text())
    assert all((project / name).is_file() for name in index['Import'])
    assert write('--root', project) == 0
    assert capsys.readouterr().out == ''
    assert write('--root', project, '--check') == 0


def test_the_answer_of_the_protocol_and_its_figure(project, write, capsys):
    assert write('--root', project) == 0 and not (project / 'docs/images').exists()
    save_results(make_results(held_out=True), project / 'docs/results/pays_hcn_nwucla.json')
    page = project / 'docs/results.md'
    mark = '<!-- results: {} -->\n<!-- end of results -->\n'
    page.write_text(page.read_text() + mark.format('answer') + mark.format('experiments'))
    assert write('--root', project) == 0
    assert '| HCN | NW-UCLA | csre | 3 | 62.50 | +12.50 | ' in page.read_text()
    assert (project / 'docs/images/forest.svg').stat().st_size > 5000


def test_a_change_by_hand_is_noticed(project, write, capsys):
    write('--root', project)
    page = project / 'README.md'
    page.write_text(page.read_text().replace('75.00', '95.00'))
    capsys.readouterr()
    assert write('--root', project, '--check') == 2
    assert 'says: README.md; call tools/write_results.py' in capsys.readouterr().err
    assert '95.00' in page.read_text()


def test_a_mark_without_results(project, write, capsys):
    (project / 'docs/results/hcn.json').unlink()
    assert write('--root', project) == 2
    assert "results.md: there are no results 'hcn' in docs/results" in capsys.readouterr().err
    assert not (project / 'model-index.yml').exists()
