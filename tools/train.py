"""Train a skeleton recognizer."""

import csre_mm_cli  # noqa: F401  first: Ctrl-C during the other imports is one line

import argparse
from contextlib import nullcontext
from pathlib import Path

from mmengine.config import Config

import csre_mm  # noqa: F401  repairs the stack before anything else of it is imported
from csre_mm.apis.data_settings import merge_options
from csre_mm.apis.runner import TRACKERS, build_runner, merge_common, merge_trackers, run
from csre_mm.utils.checkpoints import newest_checkpoint
from csre_mm.utils.cli import add_runner_arguments, command
from csre_mm.utils.config import read_config
from csre_mm.utils.errors import InputError, as_input_error
from csre_mm.utils.work_dir import held, is_first_process

EXAMPLE = """example:
  python tools/train.py configs/csre_ctrgcn_ntu60.py --seed 0 \\
      --cfg-options model.data_preprocessor.stream=b train_dataloader.batch_size=32"""


def parse_args() -> argparse.Namespace:
    """Parse the command line: mmaction2's flags."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='config file')
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='CHECKPOINT',
        help='resume from a checkpoint; without one, from the newest in the working folder',
    )
    parser.add_argument(
        '--amp',
        action='store_true',
        help='automatic mixed precision: float16 with loss scaling on a GPU, bfloat16 on a CPU',
    )
    parser.add_argument(
        '--tracker',
        action='append',
        choices=TRACKERS,
        help='track the run there, too; can be given twice (the key tracker of a config does the '
        'same)',
    )
    parser.add_argument('--no-validate', action='store_true', help='do not validate while training')
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help='scale the learning rate by the batch size over auto_scale_lr.base_batch_size',
    )
    parser.add_argument('--seed', type=int, help='random seed; wins over the config')
    parser.add_argument(
        '--diff-rank-seed', action='store_true', help='give each process a different seed'
    )
    parser.add_argument(
        '--deterministic', action='store_true', help='use deterministic algorithms only'
    )
    add_runner_arguments(parser)
    return parser.parse_args()


def merge_training(cfg: Config, args: argparse.Namespace) -> Config:
    """Apply the flags of this command; they win over ``randomness`` in the config."""
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
    flags = {key: getattr(args, key) for key in ('seed', 'diff_rank_seed', 'deterministic')}
    given = {key: value for key, value in flags.items() if value is not None and value is not False}
    cfg.randomness = {'seed': None, **(cfg.get('randomness') or {}), **given}
    return cfg


def merge_resume(cfg: Config, resume: str | None) -> None:
    """Resume from a checkpoint, or with ``auto`` from the newest one, if any, of the folder."""
    if resume is None:
        return
    path = newest_checkpoint(cfg.work_dir) if resume == 'auto' else Path(resume)
    cfg.resume = path is not None
    if path is None:
        if is_first_process():
            print(
                f'There is no checkpoint in {cfg.work_dir}: the training starts anew.', flush=True
            )
    elif not path.is_file():
        raise InputError(f'no such checkpoint: {resume}')
    else:
        cfg.load_from = str(path)


@command
def main() -> None:
    """Train."""
    args = parse_args()
    with as_input_error(args.config):
        cfg = merge_training(merge_common(read_config(args.config), args), args)
        merge_options(cfg, args.cfg_options)
        if args.no_validate:
            cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
        merge_resume(cfg, args.resume)
        merge_trackers(cfg, args.tracker)
    with held(cfg.work_dir) if is_first_process() else nullcontext():
        with as_input_error(args.config):
            runner = build_runner(cfg)
        run(runner, 'train')


if __name__ == '__main__':
    main()
