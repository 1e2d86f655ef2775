"""From a config and the flags of training and testing to a runner, and what tracks its numbers."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from mmaction.registry import RUNNERS
from mmengine.config import Config, ConfigDict
from mmengine.hooks import Hook
from mmengine.runner import Runner

from csre_mm.apis.csre_config import complete_config
from csre_mm.apis.data_settings import apply_data_settings
from csre_mm.compat import no_accelerator
from csre_mm.datasets.class_names import find_class_names
from csre_mm.engine import FiniteCheckHook, SkeletonRunner, StartCheckHook, ThreadHook
from csre_mm.utils.config import build
from csre_mm.utils.errors import InputError, as_input_error
from csre_mm.utils.files import naming
from csre_mm.utils.machine import keep_freed_memory
from csre_mm.utils.optional import require
from csre_mm.utils.work_dir import is_first_process, tracked_before

TRACKERS = ('tensorboard', 'wandb')
"""Trackers by name; each is a package, and the extra of setup.py that installs it."""

_PACKAGES = {'TensorboardVisBackend': 'tensorboard', 'WandbVisBackend': 'wandb'}


def merge_common(cfg: Config, args: argparse.Namespace) -> Config:
    """Apply the flags that training and testing have in common: launcher, rank, working folder."""
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    cfg.launcher = args.launcher
    if args.work_dir is not None:
        cfg.work_dir = args.work_dir
    elif cfg.get('work_dir') is None:
        cfg.work_dir = str(Path('work_dirs', Path(args.config).stem))
    return cfg


def build_runner(cfg: Config) -> Runner:
    """Build the runner of a config.

    The settings of ``data`` are applied, and the config of a training is completed
    (:func:`complete_config`). On a CPU the process keeps the memory that it frees from here on
    (:func:`keep_freed_memory`), and as many threads as there are free cores (:class:`ThreadHook`).

    Raises:
        InputError: If an object of the config is unknown or does not take one of its arguments, or
            ``data.class_names`` are not as many as the classes.

    Example:
        >>> runner = build_runner(Config.fromfile('config.py'))
        >>> runner.max_epochs  # runner.train() trains them
        2
    """
    apply_data_settings(cfg)
    hooks: list[Hook] = [StartCheckHook(), FiniteCheckHook()]
    if no_accelerator():
        keep_freed_memory()
        fixed = (cfg.get('randomness') or {}).get('deterministic')
        if 'OMP_NUM_THREADS' not in os.environ and not fixed:
            hooks.append(ThreadHook())
    if cfg.get('train_dataloader'):
        complete_config(cfg)
        names = (cfg.get('data') or {}).get('class_names')
        num_classes = (cfg.model.get('cls_head') or {}).get('num_classes')
        if names is not None and num_classes is not None:  # refused now, not when it is used
            find_class_names(names, num_classes)
    if (cfg.get('randomness') or {}).get('deterministic'):
        # cuBLAS reads it once, when CUDA starts, and is not deterministic without it.
        os.environ.setdefault('CUBLAS_WORKSPACE_CONFIG', ':4096:8')
    builder = RUNNERS.build if 'runner_type' in cfg else SkeletonRunner.from_cfg
    runner = build(builder, cfg)
    present = {type(hook) for hook in runner.hooks}
    for hook in hooks:
        if type(hook) not in present:
            runner.register_hook(hook)
    return runner


def run(runner: Runner, task: Literal['train', 'val', 'test']) -> None:
    """Train, validate or test with a runner of :func:`build_runner`.

    What goes wrong before the first batch has passed is a matter of the config: the runner builds
    loops, loaders, optimizer and schedules late, and only a batch shows whether they fit. So do the
    first validation and its metrics. Later, an exception is a defect and stays what it is.

    Raises:
        InputError: If that fails.
        OSError: If a file cannot be written, with its name or the working folder.

    Example:
        >>> run(build_runner(Config.fromfile('config.py')), 'train')
    """
    check = next(hook for hook in runner.hooks if isinstance(hook, StartCheckHook))
    try:
        with naming(runner.work_dir):
            getattr(runner, task)()
    except Exception:
        if check.stage is None:
            raise
        with as_input_error(check.stage):
            raise


def merge_trackers(cfg: Config, names: Sequence[str] | None = None) -> Config:
    """Add trackers to the visualizer of a config; without one the config stays as it is.

    A tracker gets every number that mmengine logs: losses, accuracies, learning rate and the health
    of the memory banks. ``LocalVisBackend``, which writes ``scalars.json``, stays.

    Args:
        cfg: The config of a training run, with its ``work_dir``. The key ``tracker``, a name or a
            list of names, stands for ``names`` where these are not given.
        names: Of :data:`TRACKERS`.

    Raises:
        InputError: If there is no such tracker, a package that the visualizer needs is missing, or
            Weights & Biases has neither an account nor ``WANDB_MODE=offline``.
    """
    names = names or cfg.get('tracker') or []
    visualizer = cfg.get('visualizer') or dict(type='ActionVisualizer')
    backends = [*(visualizer.get('vis_backends') or [])]
    for name in [names] if isinstance(names, str) else names:
        if name not in TRACKERS:
            raise InputError(f'no tracker {name!r}; known: {", ".join(TRACKERS)}')
        backend = dict(type='TensorboardVisBackend') if name == 'tensorboard' else _wandb(cfg)
        backends = backends or [dict(type='LocalVisBackend')]
        if backend['type'] not in [present['type'] for present in backends]:
            backends.append(backend)  # else the config has it, with other arguments
            cfg.visualizer = ConfigDict({**visualizer, 'vis_backends': backends})
    for backend in (cfg.get('visualizer') or {}).get('vis_backends') or []:
        _check(backend)
        _continue(backend, cfg)
    return cfg


def _wandb(cfg: Config) -> dict:
    """The run is named after its working folder, unless wandb's own variables say otherwise."""
    return dict(
        type='WandbVisBackend',
        init_kwargs=dict(
            project=os.environ.get('WANDB_PROJECT', 'csre_mm'),
            name=os.environ.get('WANDB_NAME', Path(cfg.work_dir).name),
        ),
        # mmengine hands no step on, and wandb would count its calls.
        define_metric_cfg=[
            dict(name='iter'),
            dict(name='*', step_metric='iter', step_sync=True),
        ],
    )


def _continue(backend: dict, cfg: Config) -> None:
    """Go on with the run that Weights & Biases has of a training that is resumed."""
    before = tracked_before(cfg.work_dir) if cfg.get('resume') else None
    if backend['type'] == 'WandbVisBackend' and before and 'WANDB_RUN_ID' not in os.environ:
        settings = backend.get('init_kwargs') or {}
        # The config may have changed, which wandb refuses otherwise.
        given = dict(id=before, resume='allow', allow_val_change=True)
        backend['init_kwargs'] = {**given, **settings}


def _check(backend: dict) -> None:
    """Find out now what mmengine would find out after the data were read."""
    package = _PACKAGES.get(backend['type'])
    if package is None:
        return
    module = require(package, package, f'{backend["type"]} of the visualizer')
    # One process tracks; in the others a question for the account would go unseen.
    if package == 'wandb' and is_first_process():
        try:
            module.login()
        except module.Error as error:
            raise InputError(
                f'Weights & Biases: {error} Without an account or a network: WANDB_MODE=offline'
            ) from error
