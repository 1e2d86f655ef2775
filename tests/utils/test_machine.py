import subprocess

import torch

from csre_mm.utils import machine


def test_the_machine_is_named():
    text = machine.describe_machine()
    assert f'{machine.num_cores()} cores' in text and text.endswith(f'torch {torch.__version__}')


def test_the_commit_says_whether_code_was_changed(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, 'ROOT', tmp_path)
    assert machine.describe_commit() is None

    def git(*arguments):
        identity = ['-c', 'user.name=a', '-c', 'user.email=a@b']
        subprocess.run(['git', *identity, *arguments], cwd=tmp_path, check=True)

    git('init', '-q')
    (tmp_path / 'tools').mkdir()
    for name in ('tools/a.py', 'page.md'):
        (tmp_path / name).write_text('1\n')
    git('add', '.')
    git('commit', '-q', '-m', 'first')
    clean = machine.describe_commit()
    assert len(clean) == 10
    (tmp_path / 'page.md').write_text('2\n')
    (tmp_path / 'tools/new.py').write_text('untracked\n')
    assert machine.describe_commit() == clean
    (tmp_path / 'tools/a.py').write_text('2\n')
    assert machine.describe_commit() == f'{clean}-dirty'
    # Installed into a folder of this repository, the code is not what was committed.
    monkeypatch.setattr(machine, 'ROOT', tmp_path / 'tools')
    assert machine.describe_commit() is None
