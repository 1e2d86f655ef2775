"""Write synthetic recordings as raw .skeleton files of NTU RGB+D."""

import csre_mm_cli  # noqa: F401  first: Ctrl-C during the other imports is one line

import argparse
import os
import signal
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import product
from pathlib import Path

from rich.console import Console
from rich.progress import track

from csre_mm.datasets.class_names import SYNTHETIC
from csre_mm.datasets.preparation.ntu.splits import SampleName
from csre_mm.utils.cli import command
from csre_mm.utils.errors import InputError
from synthetic.recording import write_recording

# Of these X-Sub trains on 1 2 4 5 8 9 13 14 and tests on 3 6 7 10.
DEFAULT_SUBJECTS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14)

RANGES = {
    'subjects': (1, 106),
    'setups': (1, 32),
    'cameras': (1, 3),
    'replications': (1, 2),
    'seed': (0, 2**32 - 1),
    'workers': (1, 61),
}
"""Option to the smallest and the largest number."""

EPILOG = """\
Subject number p is recorded in setup (p - 1) mod N + 1, so that the number of files is
subjects x cameras x replications x classes whatever N is.

examples:
  python tools/data/make_synthetic.py data/synthetic/raw
  python tools/data/make_synthetic.py data/small --subjects 1 2 3 --cameras 1 2 --replications 1
"""


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('out', type=Path, metavar='OUT', help='folder to write the files into')
    add = partial(parser.add_argument, type=int)
    add('--subjects', nargs='+', default=DEFAULT_SUBJECTS, help='1 to 106 (default: 12 subjects)')
    add('--setups', default=2, help='number of setups N (default: %(default)s)')
    add('--cameras', nargs='+', default=(1, 2, 3), help='of 1 2 3 (default: all)')
    add('--replications', default=2, help='of each action, 1 or 2 (default: %(default)s)')
    add('--seed', default=0, help='(default: %(default)s)')
    add('--workers', default=min(4, os.cpu_count() or 1), help='(default: %(default)s)')
    return parser.parse_args()


def check(args: argparse.Namespace) -> None:
    """Refuse numbers that are out of range, and a file where the folder is to be."""
    if args.out.exists() and not args.out.is_dir():
        raise InputError(f'OUT {args.out} is a file, expected a folder')
    for option, (low, high) in RANGES.items():
        given = getattr(args, option)
        for number in given if isinstance(given, list | tuple) else (given,):
            if not low <= number <= high:
                raise InputError(f'--{option} is {number}, expected {low} to {high}')


def plan(args: argparse.Namespace) -> list[SampleName]:
    """The recordings to write; a number that is named twice counts once."""
    replications, actions = range(1, args.replications + 1), range(1, len(SYNTHETIC) + 1)
    numbers = product(set(args.subjects), replications, actions, set(args.cameras))
    return [
        SampleName((subject - 1) % args.setups + 1, camera, subject, replication, action)
        for subject, replication, action, camera in numbers
    ]


@command
def main() -> None:
    """Check the arguments, write in several processes, and say what was written."""
    args = parse_args()
    check(args)
    samples = plan(args)
    write = partial(write_recording, args.out, args.seed)
    # Ctrl-C is for the main process: a worker finishes the file it is at.
    with ProcessPoolExecutor(
        args.workers, initializer=signal.signal, initargs=(signal.SIGINT, signal.SIG_IGN)
    ) as pool:
        sizes = pool.map(write, samples)  # forks before the thread of the bar starts
        bar = track(sizes, 'files', len(samples), console=Console(stderr=True))
        megabytes = sum(bar) / 1e6
    print(f'{len(samples)} files, {megabytes:.0f} MB, {len(SYNTHETIC)} classes in {args.out}')


if __name__ == '__main__':
    main()
