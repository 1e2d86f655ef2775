"""Configs of the commands: a file, then the flags, then ``--cfg-options``."""

import argparse
from pathlib import Path

from mmengine.config import Config

from csre_mm.utils.checkpoints import newest_checkpoint
from csre_mm.utils.errors import InputError


def read_config(path: str) -> Config:
    """Read a config file. Its text in logs and checkpoints is laid out plainly, not by yapf.

    Raises:
        InputError: If there is no such file, or it or one of its bases is no config.
    """
    if not Path(path).is_file():
        raise InputError(f'no such config: {path}')
    try:
        cfg = Config.fromfile(path)
    except FileNotFoundError as error:
        raise InputError(f'{path}: a base is missing: {error}') from error
    except (SyntaxError, KeyError, TypeError, OSError) as error:
        raise InputError(f'{path} cannot be read as a config: {error}') from error
    # mmengine formats the text of a config for the log and for every checkpoint, which takes a
    # second where a layout is written out; its own argument for that does not reach such files.
    object.__setattr__(cfg, '_format_python_code', False)
    return cfg


def merge_common(cfg: Config, args: argparse.Namespace) -> Config:
    """Apply the flags that training and testing share: the launcher and the working folder."""
    cfg.launcher = args.launcher
    if args.work_dir is not None:
        cfg.work_dir = args.work_dir
    elif cfg.get('work_dir') is None:
        cfg.work_dir = str(Path('work_dirs', Path(args.config).stem))
    return cfg


def merge_training(cfg: Config, args: argparse.Namespace) -> Config:
    """Apply the flags of ``tools/train.py``."""
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
    merge_randomness(cfg, args)
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


def merge_randomness(cfg: Config, args: argparse.Namespace) -> None:
    """Let flags that were given win over ``randomness`` in the config."""
    randomness = {'seed': None, **(cfg.get('randomness') or {})}
    if args.seed is not None:
        randomness['seed'] = args.seed
    if args.diff_rank_seed:
        randomness['diff_rank_seed'] = True
    if args.deterministic:
        randomness['deterministic'] = True
    cfg.randomness = randomness


def merge_options(cfg: Config, options: dict | None) -> Config:
    """Apply ``--cfg-options``, which win over the other flags.

    Raises:
        InputError: If a key leads through something that is not a dictionary or a list.
    """
    try:
        cfg.merge_from_dict(options or {})
    except (KeyError, TypeError) as error:
        raise InputError(f'--cfg-options: {error}') from error
    return cfg
