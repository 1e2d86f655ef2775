"""TensorBoard and Weights & Biases, besides mmengine's own log."""

import json
import os
import sys
import textwrap
from types import SimpleNamespace

import pytest

from csre_mm.apis.runner import TRACKERS, build_runner, merge_trackers
from csre_mm.utils.errors import InputError
from csre_mm.utils.optional import require
from tests.commands import run_tool
from tests.conftest import config, options_of
from tests.runs import small_config

FIGURES = {
    'loss',
    'loss_cls',
    'loss_contrast_spatial',
    'loss_contrast_temporal',
    'spatial_anchors',
    'spatial_bank_filled',
    'temporal_positive_sim',
    'temporal_hard_negative_sim',
    'top1_acc',
    'lr',
    'acc/top1',
    'acc/mean1',
}
WANDB = """
    import json, os
    from types import SimpleNamespace

    class Error(Exception): pass

    def record(name, /, *args, **kwargs):
        with open(os.environ['WANDB_CALLS'], 'a') as file:
            file.write(json.dumps([name, args, kwargs], default=str) + '\\n')

    def login():
        if os.environ.get('WANDB_MODE') != 'offline':
            raise Error('No API key configured.')

    def init(**kwargs): record('init', **kwargs)
    def define_metric(*args, **kwargs): record('define_metric', *args, **kwargs)
    def log(values, **kwargs): record('log', {k: float(v) for k, v in values.items()})
    def join(): record('join')
    config = SimpleNamespace(update=lambda values, **kwargs: record('config', sorted(values)))
    run = SimpleNamespace(log_code=lambda **kwargs: record('log_code'))
"""


def backends(cfg):
    return [backend['type'] for backend in cfg.visualizer.vis_backends]


@pytest.fixture
def cfg(tmp_path, ntu_file):
    options = {'train_cfg.max_epochs': 1, 'train_dataloader.dataset.indices': 16}
    return small_config('csre_ctrgcn_ntu60', ntu_file, tmp_path / 'run', **options)


@pytest.fixture
def wandb(tmp_path, monkeypatch):
    """Replaces wandb by a package that logs its calls; returns the log file."""
    (tmp_path / 'wandb.py').write_text(textwrap.dedent(WANDB))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, 'wandb', raising=False)
    calls = tmp_path / 'calls'
    monkeypatch.setenv('WANDB_CALLS', str(calls))
    for name in ('WANDB_MODE', 'WANDB_PROJECT', 'WANDB_NAME', 'RANK'):
        monkeypatch.delenv(name, raising=False)
    yield calls
    sys.modules.pop('wandb', None)


def test_nothing_is_tracked_by_default(cfg, monkeypatch):
    monkeypatch.setitem(sys.modules, 'tensorboard', None)
    monkeypatch.setitem(sys.modules, 'wandb', None)
    before = cfg.pretty_text
    assert merge_trackers(cfg).pretty_text == before
    assert backends(cfg) == ['LocalVisBackend']


def test_tensorboard_gets_losses_accuracies_and_statistics_of_the_contrasts(cfg, tmp_path):
    pytest.importorskip('tensorboard')
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    merge_trackers(cfg, ['tensorboard'])
    assert backends(cfg) == ['LocalVisBackend', 'TensorboardVisBackend']
    build_runner(cfg).train()
    events = EventAccumulator(str(next(tmp_path.glob('run/*/vis_data')))).Reload()
    assert set(events.Tags()['scalars']) >= FIGURES
    losses = {event.step: event.value for event in events.Scalars('loss')}
    scalars = next(tmp_path.glob('run/*/vis_data/scalars.json')).read_text().splitlines()
    logged = {line['step']: line['loss'] for line in map(json.loads, scalars) if 'loss' in line}
    assert losses.keys() == logged.keys() == {1, 2}
    assert all(losses[step] == pytest.approx(logged[step], rel=1e-5) for step in losses)


def test_wandb_gets_them_with_the_iteration_as_their_axis(cfg, wandb, monkeypatch):
    monkeypatch.setenv('WANDB_MODE', 'offline')
    merge_trackers(cfg, ['wandb'])
    build_runner(cfg).train()
    calls = [json.loads(line) for line in wandb.read_text().splitlines()]
    name, _, settings = calls[0]
    assert name == 'init' and settings['project'] == 'csre_mm' and settings['name'] == 'run'
    assert settings['dir'].endswith('vis_data')
    metrics = [kwargs for name, _, kwargs in calls if name == 'define_metric']
    assert {'name': '*', 'step_metric': 'iter', 'step_sync': True} in metrics
    logged = [args[0] for name, args, _ in calls if name == 'log']
    assert {key for values in logged for key in values} >= FIGURES
    assert [values['iter'] for values in logged if 'loss' in values] == [1, 2]
    assert calls[-1][0] == 'join'


def test_environment_variables_of_wandb_override_the_names(cfg, wandb, monkeypatch):
    monkeypatch.setenv('WANDB_MODE', 'offline')
    monkeypatch.setenv('WANDB_PROJECT', 'mine')
    monkeypatch.setenv('WANDB_NAME', 'third')
    settings = merge_trackers(cfg, ['wandb']).visualizer.vis_backends[-1].init_kwargs
    assert settings == dict(project='mine', name='third')


def test_a_resumed_training_goes_on_with_its_run(cfg, wandb, monkeypatch, tmp_path):
    monkeypatch.setenv('WANDB_MODE', 'offline')
    for name in ('20250101_000000-old', '20250102_000000-it-is'):
        (tmp_path / f'run/20250101_000000/vis_data/wandb/offline-run-{name}').mkdir(parents=True)
    (tmp_path / 'run/20250101_000000/vis_data/wandb/latest-run').mkdir()
    cfg.resume = True
    settings = merge_trackers(cfg, ['wandb']).visualizer.vis_backends[-1].init_kwargs
    expected = dict(id='it-is', resume='allow', allow_val_change=True)
    assert settings == {**expected, 'project': 'csre_mm', 'name': 'run'}
    cfg.visualizer.vis_backends = [dict(type='WandbVisBackend')]  # as the user sets it up
    merge_trackers(cfg)
    assert cfg.visualizer.vis_backends[0].init_kwargs == expected
    cfg.resume = False
    cfg.visualizer.vis_backends = [dict(type='WandbVisBackend')]
    merge_trackers(cfg)
    assert cfg.visualizer.vis_backends == [dict(type='WandbVisBackend')]


def test_wandb_without_an_account_is_one_line(cfg, wandb, monkeypatch):
    with pytest.raises(InputError, match=r'No API key configured\. .* WANDB_MODE=offline'):
        merge_trackers(cfg, ['wandb'])
    monkeypatch.setenv('RANK', '1')  # the first process tracks
    merge_trackers(cfg, ['wandb'])


@pytest.mark.parametrize('value', ['tensorboard', ['tensorboard']])
def test_the_key_of_a_config_does_the_same(cfg, monkeypatch, value):
    monkeypatch.setattr('csre_mm.apis.runner.require', lambda *_: None)
    cfg.tracker = value
    assert backends(merge_trackers(cfg)) == ['LocalVisBackend', 'TensorboardVisBackend']
    assert backends(merge_trackers(cfg)) == ['LocalVisBackend', 'TensorboardVisBackend']


def test_both_trackers_and_a_config_without_a_visualizer(cfg, wandb, monkeypatch):
    monkeypatch.setattr('csre_mm.apis.runner._check', lambda backend: None)
    cfg.pop('visualizer')
    merge_trackers(cfg, TRACKERS)
    assert backends(cfg) == ['LocalVisBackend', 'TensorboardVisBackend', 'WandbVisBackend']


def test_a_tracker_that_the_config_sets_up_stays(cfg, monkeypatch):
    monkeypatch.setattr('csre_mm.apis.runner._check', lambda backend: None)
    own = dict(type='WandbVisBackend', init_kwargs=dict(project='own'))
    cfg.visualizer.vis_backends = [own]
    assert merge_trackers(cfg, ['wandb']).visualizer.vis_backends == [own]


def test_no_such_tracker(cfg):
    with pytest.raises(InputError, match="no tracker 'mlflow'; known: tensorboard, wandb"):
        merge_trackers(cfg, ['mlflow'])


def test_deterministic_algorithms_of_cuda(cfg, monkeypatch):
    monkeypatch.delenv('CUBLAS_WORKSPACE_CONFIG', raising=False)
    seen = []

    def build(builder, cfg):
        seen.append(os.environ.get('CUBLAS_WORKSPACE_CONFIG'))
        return SimpleNamespace(hooks=[], register_hook=lambda hook: None)

    monkeypatch.setattr('csre_mm.apis.runner.build', build)
    for deterministic in (False, True):
        cfg.randomness.deterministic = deterministic
        build_runner(cfg)
    assert seen == [None, ':4096:8']


@pytest.mark.parametrize('package', TRACKERS)
def test_a_missing_package_ends_training_before_it_starts(
    monkeypatch, capsys, tmp_path, ntu_file, package
):
    monkeypatch.setitem(sys.modules, package, None)
    options = options_of(ntu_file, csre=True)
    arguments = [config('csre_ctrgcn_ntu60'), '--tracker', package, '--work-dir', tmp_path / 'run']
    assert run_tool('train.py', *arguments, '--cfg-options', *options) == 2
    assert not (tmp_path / 'run').exists()
    err = capsys.readouterr().err
    assert err.startswith('train.py: error: ') and err.count('\n') == 1
    install = f"pip install 'csre_mm[{package}]', in a clone pip install -e '.[{package}]'"
    assert f'needs {package}, which is not installed: {install}' in err


def test_an_installed_but_broken_package_is_named(tmp_path, monkeypatch):
    (tmp_path / 'half_installed.py').write_text('import a_module_that_nobody_has\n')
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InputError, match='half_installed cannot be imported: No module named'):
        require('half_installed', 'export', 'a test')
    assert require('json', 'export', 'a test') is json
