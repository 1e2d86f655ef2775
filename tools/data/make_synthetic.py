"""Write made-up NTU-like recordings as raw .skeleton files."""

import argparse
import os
import signal
from collections import Counter
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from itertools import product
from pathlib import Path

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TimeElapsedColumn

from csre_mm.utils.cli import command
from csre_mm.utils.errors import InputError
from synthetic import CLASS_NAMES, RecordingId, write_recordings
from synthetic.faults import PERFORMER, write_faults

# Of these X-Sub trains on 1 2 4 5 8 9 13 14 and tests on 3 6 7 10.
DEFAULT_SUBJECTS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14)

EPILOG = """\
Performers are spread over the setups: number p is recorded in setup (p - 1) mod N + 1, so that
the number of files is subjects x cameras x replications x classes whatever N is.

examples:
  python tools/data/make_synthetic.py data/synthetic/raw
  python tools/data/make_synthetic.py data/small --subjects 1 2 3 --cameras 1 2 --replications 1
  python tools/data/make_synthetic.py data/faulty --faults --subjects 1 3 --replications 1
"""


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('out', type=Path, metavar='OUT', help='folder to write the files into')
    parser.add_argument(
        '--subjects',
        type=int,
        nargs='*',
        default=DEFAULT_SUBJECTS,
        help='performers, 1 to 106 (default: 12, of which X-Sub trains on 8)',
    )
    parser.add_argument('--setups', type=int, default=2, help='1 to 32 (default: %(default)s)')
    parser.add_argument(
        '--cameras', type=int, nargs='*', default=(1, 2, 3), help='of 1 2 3 (default: all)'
    )
    parser.add_argument(
        '--replications',
        type=int,
        default=2,
        help='how often each performer does each action (default: %(default)s)',
    )
    parser.add_argument(
        '--faults',
        action='store_true',
        help=f'add a file with each fault that raw files have, as performer {PERFORMER}',
    )
    parser.add_argument('--seed', type=int, default=0, help='(default: %(default)s)')
    parser.add_argument(
        '--workers',
        type=int,
        default=min(4, os.cpu_count() or 1),
        help='processes that write (default: %(default)s)',
    )
    return parser.parse_args()


def check(args: argparse.Namespace) -> None:
    """Refuse arguments that leave nothing to write, or nowhere to write it."""
    if args.out.exists() and not args.out.is_dir():
        raise InputError(f'OUT {args.out} is a file, expected a folder')
    for option in ('subjects', 'cameras'):
        numbers = getattr(args, option)
        if not numbers:
            raise InputError(f'--{option} names none, expected at least one number')
        twice = [number for number, count in Counter(numbers).items() if count > 1]
        if twice:
            raise InputError(f'--{option} names {twice[0]} more than once')
    for option, least in (('setups', 1), ('replications', 1), ('seed', 0), ('workers', 1)):
        number = getattr(args, option)
        if number < least:
            raise InputError(f'--{option} is {number}, expected at least {least}')
    if args.faults and PERFORMER in args.subjects:
        raise InputError(f'--subjects names {PERFORMER}, whom --faults needs')
    RecordingId(args.setups, 1, 1, args.replications, 1)  # refuses what is too large


def plan(args: argparse.Namespace) -> list[list[RecordingId]]:
    """The recordings, those of one performance together."""
    actions = range(1, len(CLASS_NAMES) + 1)
    replications = range(1, args.replications + 1)
    return [
        [
            RecordingId((subject - 1) % args.setups + 1, camera, subject, replication, action)
            for camera in args.cameras
        ]
        for subject, replication, action in product(args.subjects, replications, actions)
    ]


def write(args: argparse.Namespace, performances: list[list[RecordingId]], console: Console) -> int:
    """Write all files, in several processes, and return the number of bytes."""
    # Ctrl-C is for the main process: a worker finishes the files it is at.
    pool = ProcessPoolExecutor(
        args.workers, initializer=signal.signal, initargs=(signal.SIGINT, signal.SIG_IGN)
    )
    # All processes are forked before the bar's thread starts.
    waiting: list[Future[int]] = [
        pool.submit(write_recordings, args.out, args.seed, recordings)
        for recordings in performances
    ]
    size = 0
    columns = (*Progress.get_default_columns(), MofNCompleteColumn(), TimeElapsedColumn())
    try:
        with Progress(*columns, console=console) as progress:
            task = progress.add_task('files', total=len(performances) * len(args.cameras))
            for done in as_completed(waiting):
                size += done.result()
                progress.advance(task, len(args.cameras))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return size


@command
def main() -> None:
    """Check the arguments, write, and say what was written."""
    args = parse_args()
    check(args)
    performances = plan(args)
    args.out.mkdir(parents=True, exist_ok=True)
    console = Console(stderr=True)
    size = write(args, performances, console)
    count = sum(len(recordings) for recordings in performances)
    print(f'{count} files, {size / 1e6:.0f} MB, {len(CLASS_NAMES)} classes in {args.out}')
    if args.faults:
        names = write_faults(args.out, args.seed)
        print(f'{len(names)} files with a fault each, the last one {names[-1]}')


if __name__ == '__main__':
    main()
