"""Checks in fresh environments: `nox` runs all, `nox -s "tests-3.12(torch='newest')"` one.

`make test` is the check of one environment; this is the matrix that setup.py declares.
"""

from pathlib import Path

import nox

nox.needs_version = '>=2024.3.2'
TORCH = {'oldest': 'torch>=2.4,<2.5', 'newest': 'torch>=2.13,<2.14'}
OLDEST_OF_313 = 'torch>=2.6,<2.7'  # torch 2.5 cannot save a tensor with Python 3.13


def install(session: nox.Session, torch: str, *arguments: str) -> None:
    """Install torch first, then what must not replace it."""
    session.install(torch)
    session.install(*arguments, torch)


@nox.session(python=['3.10', '3.11', '3.12', '3.13'])
@nox.parametrize('torch', sorted(TORCH))
def tests(session: nox.Session, torch: str) -> None:
    """The suite with each Python at both bounds of torch; arguments after -- go to pytest."""
    old = torch == 'oldest' and session.python == '3.13'
    install(session, OLDEST_OF_313 if old else TORCH[torch], '--editable', '.[dev]')
    session.run('python', '-m', 'pytest', '-n', 'logical', '--dist', 'worksteal', *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Format, lint and types."""
    install(session, TORCH['newest'], '--editable', '.[dev]')
    session.run('ruff', 'format', '--check', '.')
    session.run('ruff', 'check', '.')
    session.run('mypy')


@nox.session
@nox.parametrize('decord', [True, False])
def wheel(session: nox.Session, decord: bool) -> None:
    """The built wheel outside of the repository, with and without mmaction2's decord."""
    folder = Path(session.create_tmp())
    session.install('build')
    session.run('python', '-m', 'build', '--wheel', '--outdir', str(folder))
    session.install('--no-deps', 'mmaction2==1.2.0')  # where decord has a wheel, it comes below
    install(session, TORCH['newest'], str(next(folder.glob('*.whl'))))
    if not decord:
        session.run('python', '-m', 'pip', 'uninstall', '--yes', 'decord')
    session.chdir(folder)
    session.run('csre-mm', 'make-synthetic', 'raw', '--subjects', '1', '3', '--setups', '1')
    session.run('csre-mm', 'prepare-ntu', 'raw', 'demo.pkl', '--dataset', 'ntu60')
    options = ['data.ann_file=demo.pkl', 'train_cfg.max_epochs=1', 'model.backbone.base_channels=8']
    options += ['model.cls_head.in_channels=32', 'work_dir=run']
    session.run('csre-mm', 'train', 'csre_ctrgcn_demo', '--cfg-options', *options)
    session.run('csre-mm', 'test', 'csre_ctrgcn_demo', 'run/epoch_1.pth', '--cfg-options', *options)
