"""Turn the weights of an authors' release into a checkpoint of ours."""

import csre_mm_cli  # noqa: F401  first: Ctrl-C during the other imports is one line

import argparse

import csre_mm  # noqa: F401  repairs the stack before anything else of it is imported
from csre_mm.apis import ENCODERS, convert_weights
from csre_mm.utils.cli import command

EXAMPLE = """example:
  python tools/convert_weights.py ctrgcn runs-65-40690.pt work_dirs/ctrgcn_released.pth
  python tools/test.py configs/ctrgcn_ntu60.py work_dirs/ctrgcn_released.pth"""


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('encoder', choices=ENCODERS, help='whose release it is')
    parser.add_argument('src', metavar='SRC', help='state dict that the release saved')
    parser.add_argument('out', metavar='OUT', help='checkpoint to write')
    return parser.parse_args()


@command
def main() -> None:
    """Convert."""
    args = parse_args()
    count = convert_weights(args.encoder, args.src, args.out)
    print(f'{args.out}: {count:,} parameters of {args.encoder}')


if __name__ == '__main__':
    main()
