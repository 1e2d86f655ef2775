"""From a config and the common flags of training and testing to a runner."""

import argparse
from pathlib import Path

from mmaction.registry import RUNNERS
from mmengine.config import Config
from mmengine.runner import Runner

from csre_mm.apis.csre_config import complete_config
from csre_mm.compat import no_accelerator
from csre_mm.utils.config import build
from csre_mm.utils.machine import keep_freed_memory


def merge_common(cfg: Config, args: argparse.Namespace) -> Config:
    """Apply the flags that training and testing have in common: launcher and working folder."""
    cfg.launcher = args.launcher
    if args.work_dir is not None:
        cfg.work_dir = args.work_dir
    elif cfg.get('work_dir') is None:
        cfg.work_dir = str(Path('work_dirs', Path(args.config).stem))
    return cfg


def build_runner(cfg: Config) -> Runner:
    """Build the runner of a config.

    The config of a training is completed (:func:`complete_config`). On a CPU the process keeps the
    memory that it frees from here on (:func:`keep_freed_memory`).

    Raises:
        InputError: If an object of the config is unknown or does not take one of its arguments.

    Example:
        >>> runner = build_runner(Config.fromfile('config.py'))
        >>> runner.max_epochs  # runner.train() trains them
        2
    """
    if no_accelerator():
        keep_freed_memory()
    if cfg.get('train_dataloader'):
        complete_config(cfg)
    return build(RUNNERS.build if 'runner_type' in cfg else Runner.from_cfg, cfg)
