"""Strip a checkpoint of CSRE and of the training: what is left is the baseline, with its config."""

import csre_mm_cli  # noqa: F401  first: Ctrl-C during the other imports is one line

import argparse

import csre_mm  # noqa: F401  repairs the stack before anything else of it is imported
from csre_mm.apis.data_settings import read_config_of
from csre_mm.apis.publishing import Published, publish
from csre_mm.utils.cli import add_config_options, command

EPILOG = """\
The neck, its memory banks, the optimizer and the history are left out. The file holds the weights
and, in meta['cfg'], the test config of the baseline; torch.load reads it with weights_only=True.
The name gets the first 8 digits of the SHA-256 of the content, which the same checkpoint always
has. The config names the annotation file as the run did.

examples:
  python tools/publish.py work_dirs/csre_ctrgcn_ntu60/epoch_65.pth models/ctrgcn_ntu60.pth
  python tools/publish.py work_dirs/ctrgcn_released.pth models/ctrgcn_released.pth \\
      --config configs/ctrgcn_ntu60.py --cfg-options model.data_preprocessor.stream=b
"""


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('checkpoint', metavar='CKPT', help='checkpoint of a run, CSRE or baseline')
    parser.add_argument('out', metavar='OUT', help='file to write: OUT.pth becomes OUT-<hash>.pth')
    parser.add_argument('--config', help='config of the model (default: that in the checkpoint)')
    add_config_options(parser, 'change the config of --config, as for tools/train.py')
    args = parser.parse_args()
    if args.cfg_options and not args.config:
        parser.error('--cfg-options changes the config: it needs --config')
    return args


def describe(source: str, result: Published) -> str:
    """What was written and what was left out, in lines."""
    kind = 'averaged weights (EMA)' if result.averaged else 'weights'
    lines = [
        f'{source}: {_megabytes(result.size_before)}',
        f'{result.path}: {_megabytes(result.size)}, {kind}, {result.parameters:,} parameters',
    ]
    left_out = list(result.left_out)
    if result.neck_tensors:
        left_out.insert(0, f'{result.neck_tensors} tensors of the neck and its memory banks')
    if left_out:
        lines.append(f'left out: {", ".join(left_out)}')
    return '\n'.join(lines)


def _megabytes(size: int) -> str:
    return f'{size / 1e6:.2f} MB'


@command
def main() -> None:
    """Publish."""
    args = parse_args()
    cfg = read_config_of(args) if args.config else None
    print(describe(args.checkpoint, publish(args.checkpoint, args.out, cfg)))


if __name__ == '__main__':
    main()
