"""csre_mm installed from its source distribution, called from a foreign folder.

The training and everything around it run on what lies in site-packages alone.
"""

import json
import os
import shutil
import subprocess
import sys

import pytest

from csre_mm.experiments.record import find_checkpoint
from tests.conftest import ROOT, make_annotations, options_of

BROUGHT = ('csre_mm', 'configs', 'tools', 'tests', 'csre_mm_cli.py', 'model-index.yml')
BUILD = ('setup.py', 'pyproject.toml', 'MANIFEST.in', 'README.md', 'LICENSE', 'NOTICE')
SKIPPED = shutil.ignore_patterns('__pycache__', '.mim')


def python(*arguments, cwd, **environment):
    """Run the interpreter; the source tree is not on its path."""
    environment = {**os.environ, 'PYTHONPATH': '', **environment}
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


def succeed(*arguments, **options):
    result = python(*arguments, **options)
    assert result.returncode == 0, result.stderr[-3000:]
    return result


@pytest.fixture(scope='module')
def tree(tmp_path_factory):
    """A copy of the source tree: building leaves files behind."""
    tree = tmp_path_factory.mktemp('tree')
    for name in (*BROUGHT, *BUILD):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
        copy(ROOT / name, tree / name, **({'ignore': SKIPPED} if copy is shutil.copytree else {}))
    return tree


@pytest.fixture(scope='module')
def site(tree, tmp_path_factory):
    """The folder that the source distribution was built and installed into, as pip does it."""
    folder = tmp_path_factory.mktemp('installed')
    succeed('setup.py', '-q', 'sdist', '--dist-dir', folder, cwd=tree)
    (archive,) = folder.glob('*.tar.gz')
    pip = ('-m', 'pip', 'install', '-q', '--no-deps', '--no-index', '--no-build-isolation')
    succeed(*pip, '--target', folder / 'site', archive, cwd=folder)
    return folder / 'site'


@pytest.fixture
def csre_mm(site, tmp_path):
    """Calls the console command in an empty folder."""
    script = site / 'bin/csre-mm'
    return lambda *arguments: python(script, *arguments, cwd=tmp_path, PYTHONPATH=str(site))


def files_below(folder):
    names = (path.relative_to(folder) for path in folder.rglob('*') if path.is_file())
    return {str(name) for name in names if '__pycache__' not in name.parts}


def test_what_is_installed(site):
    names = {path.name for path in site.iterdir() if not path.name.endswith('.dist-info')}
    assert names - {'__pycache__'} == {'bin', 'csre_mm', 'csre_mm_cli.py'}
    brought = site / 'csre_mm/.mim'
    assert files_below(brought / 'configs') == files_below(ROOT / 'configs')
    tools = files_below(ROOT / 'tools')
    internal = {name for name in tools if 'results_pages' in name} | {'write_results.py'}
    assert files_below(brought / 'tools') == tools - internal
    assert (brought / 'model-index.yml').is_file()
    code = {name for name in files_below(ROOT / 'csre_mm') if not name.startswith('.mim')}
    installed = {name for name in files_below(site / 'csre_mm') if not name.startswith('.mim')}
    assert installed == code and 'py.typed' in installed


def test_an_editable_install_links_to_the_tree(tree, tmp_path):
    code = f'import setuptools.build_meta as b; b.build_editable({str(tmp_path)!r})'
    succeed('-c', code, cwd=tree)
    for name in ('configs', 'tools', 'model-index.yml'):
        assert (tree / 'csre_mm/.mim' / name).is_symlink()
        assert (tree / 'csre_mm/.mim' / name).resolve() == tree / name


IMPORT_ALL = """
import json, pkgutil, sys
import csre_mm, csre_mm_cli
for module in pkgutil.walk_packages(csre_mm.__path__, 'csre_mm.'):
    __import__(module.name)
files = [m.__file__ for name, m in sys.modules.items() if name.startswith('csre_mm') and m.__file__]

from mmengine.config import Config
from csre_mm.apis import get_config
from csre_mm.experiments import execute, record
from csre_mm.utils.machine import describe_commit
named = get_config('csre_ctrgcn_ntu60')
print(json.dumps(dict(
    files=files,
    tools=[str(module.ROOT / 'tools/train.py') for module in (execute, record)],
    commit=describe_commit(),
    config=named.filename,
    same=Config.fromfile('own.py').to_dict() == named.to_dict(),
    mmaction=Config.fromfile('theirs.py').model.type,
)))
"""


def test_modules_bases_and_tools_come_from_the_installation(site, tmp_path):
    """In another repository, whose commit is not that of csre_mm."""
    (tmp_path / 'own.py').write_text("_base_ = 'csre_mm::csre_ctrgcn_ntu60.py'\n")
    base = 'skeleton/stgcn/stgcn_8xb16-joint-u100-80e_ntu60-xsub-keypoint-3d.py'
    (tmp_path / 'theirs.py').write_text(f"_base_ = 'mmaction::{base}'\n")
    result = succeed('-c', IMPORT_ALL, cwd=tmp_path, PYTHONPATH=str(site))
    found = json.loads(result.stdout.splitlines()[-1])
    package = site / 'csre_mm'
    assert all(
        file.startswith((f'{package}/', str(site / 'csre_mm_cli'))) for file in found['files']
    )
    assert len(found['files']) > 100
    assert found['tools'] == [str(package / '.mim/tools/train.py')] * 2
    assert found['config'] == str(package / '.mim/configs/csre_ctrgcn_ntu60.py')
    assert found['same'] and found['mmaction'] == 'RecognizerGCN' and found['commit'] is None


def test_help_list_and_wrong_configs_need_no_torch(csre_mm, site, tmp_path):
    lines = csre_mm('--help').stdout.splitlines()
    assert ['train', 'Train a skeleton recognizer.'] in [line.split(None, 1) for line in lines]
    listed = {line.split()[0] for line in lines if line.startswith('  ')}
    scripts = {path.stem.replace('_', '-') for path in (ROOT / 'tools').rglob('*.py')}
    assert {'list', 'export-onnx', 'check-dataset', 'cost'} <= listed
    assert 'write-results' in scripts and 'write-results' not in listed
    assert csre_mm('list', 'csre_*_ntu60').stdout.split()[0] == 'csre_2sagcn_ntu60'
    every = csre_mm('list').stdout.split()
    assert every == sorted(path.stem for path in (ROOT / 'configs').glob('*.py'))
    (tmp_path / 'own.py').write_text('model = dict(')
    for arguments, status in ((['list'], 0), (['train', 'hcn'], 2), (['test', 'own.py', 'x'], 2)):
        code = (
            'import sys, csre_mm_cli\n'
            f'sys.argv[1:], status = {arguments}, 0\n'
            'try:\n    csre_mm_cli.main()\nexcept SystemExit as end:\n    status = end.code\n'
            f'assert status == {status}\n'
            'assert not {"torch", "numpy", "csre_mm"} & set(sys.modules)'
        )
        succeed('-c', code, cwd=tmp_path, PYTHONPATH=str(site))


@pytest.mark.parametrize(
    'arguments, message',
    [
        (['trian'], 'csre-mm: error: no such command: trian, did you mean train?'),
        (['xyz'], 'csre-mm: error: no such command: xyz, csre-mm --help lists them'),
        (['write-results'], 'csre-mm: error: no such command: write-results'),
        (
            ['list', 'hcn_ntu6O'],
            'csre-mm list: error: no shipped config matches hcn_ntu6O, did you',
        ),
        (
            ['train', 'csre_hcn_ntu61'],
            'csre-mm train: error: no such config: csre_hcn_ntu61, did you mean csre_hcn_ntu60 ',
        ),
    ],
)
def test_a_wrong_name_is_one_line(csre_mm, arguments, message):
    result = csre_mm(*arguments)
    assert result.returncode == 2 and result.stderr.startswith(message)
    assert len(result.stderr.splitlines()) == 1


def test_a_shipped_config_trains_and_is_tested(csre_mm, tmp_path):
    path = make_annotations(tmp_path / 'a.pkl', per_class=3)
    options = options_of(path, csre=True, **{'train_cfg.max_epochs': 1})
    result = csre_mm('train', 'csre_ctrgcn_demo', '--seed', 0, '--cfg-options', *options)
    assert result.returncode == 0, result.stderr[-3000:]
    checkpoint, epoch = find_checkpoint(tmp_path / 'work_dirs/csre_ctrgcn_demo', 'last')
    assert epoch == 1
    arguments = ('csre_ctrgcn_demo', checkpoint, '--dump', 'scores.pkl', '--cfg-options', *options)
    result = csre_mm('test', *arguments)
    assert result.returncode == 0, result.stderr[-3000:]
    assert (tmp_path / 'scores.pkl').is_file()
    assert str(ROOT) not in result.stdout + result.stderr
