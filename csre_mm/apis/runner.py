"""From the flags of training and testing to a runner: a file, the flags, ``--cfg-options``."""

import argparse
from pathlib import Path

from mmaction.registry import RUNNERS
from mmengine.config import Config
from mmengine.runner import Runner

from csre_mm.apis.csre_config import complete_config
from csre_mm.compat import no_accelerator
from csre_mm.utils.checkpoints import newest_checkpoint
from csre_mm.utils.config import build
from csre_mm.utils.errors import InputError
from csre_mm.utils.machine import keep_freed_memory


def merge_common(cfg: Config, args: argparse.Namespace) -> Config:
    """Apply the flags that training and testing share: the launcher and the working folder."""
    cfg.launcher = args.launcher
    if args.work_dir is not None:
        cfg.work_dir = args.work_dir
    elif cfg.get('work_dir') is None:
        cfg.work_dir = str(Path('work_dirs', Path(args.config).stem))
    return cfg


def merge_training(cfg: Config, args: argparse.Namespace) -> Config:
    """Apply the flags of ``tools/train.py``; they win over ``randomness`` in the config."""
    if args.amp:
        kind = cfg.optim_wrapper.get('type', 'OptimWrapper')
        if kind not in ('OptimWrapper', 'AmpOptimWrapper'):
            raise InputError(f'--amp does not go with optim_wrapper.type={kind}')
        cfg.optim_wrapper.type = 'AmpOptimWrapper'
        cfg.optim_wrapper.setdefault('loss_scale', 'dynamic')
    if args.auto_scale_lr:
        if 'auto_scale_lr' not in cfg:
            raise InputError(
                f'--auto-scale-lr needs auto_scale_lr.base_batch_size in {args.config}'
            )
        cfg.auto_scale_lr.enable = True
    randomness = {'seed': None, **(cfg.get('randomness') or {})}
    if args.seed is not None:
        randomness['seed'] = args.seed
    if args.diff_rank_seed:
        randomness['diff_rank_seed'] = True
    if args.deterministic:
        randomness['deterministic'] = True
    cfg.randomness = randomness
    return cfg


def merge_resume(cfg: Config, resume: str | None) -> None:
    """Resume from a checkpoint, or with ``'auto'`` from the newest in the working folder.

    Raises:
        InputError: If there is no such checkpoint; with ``'auto'`` a run without one starts anew.
    """
    if resume is None:
        return
    path = newest_checkpoint(cfg.work_dir) if resume == 'auto' else Path(resume)
    if path is not None and not path.is_file():
        raise InputError(f'no such checkpoint: {resume}')
    cfg.resume = path is not None
    cfg.load_from = None if path is None else str(path)


def build_runner(cfg: Config) -> Runner:
    """Build the runner of a config.

    The config of a training is completed (:func:`complete_config`). On a CPU the process keeps the
    memory that it frees from here on (:func:`keep_freed_memory`).

    Raises:
        InputError: If an object of the config is unknown or does not take one of its arguments.
    """
    if no_accelerator():
        keep_freed_memory()
    if cfg.get('train_dataloader'):
        complete_config(cfg)
    return build(RUNNERS.build if 'runner_type' in cfg else Runner.from_cfg, cfg)
