"""Test a checkpoint of a skeleton recognizer."""

import csre_mm_cli  # noqa: F401  first: Ctrl-C during the other imports is one line

import argparse
from pathlib import Path

from mmengine.config import Config

import csre_mm  # noqa: F401  repairs the stack before anything else of it is imported
from csre_mm.apis.data_settings import merge_options
from csre_mm.apis.recognizer import baseline_model
from csre_mm.apis.runner import build_runner, merge_common, run
from csre_mm.engine import InferenceCheckpointHook
from csre_mm.utils.cli import add_runner_arguments, command
from csre_mm.utils.config import read_config
from csre_mm.utils.errors import InputError, as_input_error

EXAMPLE = """example:
  python tools/test.py configs/csre_ctrgcn_ntu60.py work_dirs/csre_ctrgcn_ntu60/epoch_65.pth \\
      --dump work_dirs/csre_ctrgcn_ntu60/scores.pkl"""


def parse_args() -> argparse.Namespace:
    """Parse the command line: mmaction2's flags."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='config file')
    parser.add_argument(
        'checkpoint', help='checkpoint file, of the config or of its baseline or CSRE counterpart'
    )
    parser.add_argument('--dump', metavar='FILE', help='write the scores to a pickle')
    add_runner_arguments(parser)
    return parser.parse_args()


def merge_testing(cfg: Config, args: argparse.Namespace) -> Config:
    """Apply the flags of this command."""
    if not Path(args.checkpoint).is_file():
        raise InputError(f'no such checkpoint: {args.checkpoint}')
    cfg.load_from, cfg.resume = args.checkpoint, False
    visualizer = cfg.get('visualizer') or {}
    for part in (visualizer, *(visualizer.get('vis_backends') or [])):
        part.pop('save_dir', None)  # a folder of the training
    if args.dump is not None:
        if not args.dump.endswith(('.pkl', '.pickle')):
            raise InputError(f'--dump {args.dump}: the name must end in .pkl')
        evaluators = cfg.test_evaluator
        evaluators = evaluators if isinstance(evaluators, list | tuple) else [evaluators]
        cfg.test_evaluator = [*evaluators, dict(type='DumpScores', out_file_path=args.dump)]
    return cfg


@command
def main() -> None:
    """Test."""
    args = parse_args()
    with as_input_error(args.config):
        cfg = merge_testing(merge_common(read_config(args.config), args), args)
        merge_options(cfg, args.cfg_options)
        cfg.model = baseline_model(cfg)
        runner = build_runner(cfg)
    runner.register_hook(InferenceCheckpointHook())
    run(runner, 'test')


if __name__ == '__main__':
    main()
