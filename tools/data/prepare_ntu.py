"""NTU RGB+D 60 and 120: from the raw .skeleton files to the annotation pickle."""

import argparse
import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from csre_mm.datasets.annotations import check_pickle_path, save_annotations
from csre_mm.datasets.ntu import make_annotation
from csre_mm.datasets.ntu_splits import BENCHMARKS, NTUBenchmark, parse_name
from csre_mm.datasets.raw_files import RawFile, find_raw_files
from csre_mm.utils.cli import command
from csre_mm.utils.errors import InputError

CHUNK = 32
"""Files a worker takes at a time."""


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog='examples:\n'
        '  python tools/data/prepare_ntu.py nturgbd_skeletons_s001_to_s017.zip \\\n'
        '      data/skeleton/ntu60_3d.pkl --dataset ntu60\n'
        '  python tools/data/prepare_ntu.py nturgbd_skeletons_s001_to_s017.zip \\\n'
        '      nturgbd_skeletons_s018_to_s032.zip data/skeleton/ntu120_3d.pkl --dataset ntu120',
    )
    parser.add_argument(
        'raw',
        nargs='+',
        metavar='RAW',
        help='folder (with its subfolders) or zip of .skeleton files',
    )
    parser.add_argument('out', metavar='OUT.pkl', help='annotation pickle to write')
    parser.add_argument(
        '--dataset', required=True, choices=list(BENCHMARKS), help='its classes and splits'
    )
    parser.add_argument(
        '--ignore',
        metavar='FILE',
        help='names to leave out, one a line: the official list of samples with missing skeletons',
    )
    parser.add_argument(
        '--workers', type=int, default=os.cpu_count() or 1, help='processes (default: all cores)'
    )
    parser.add_argument(
        '--strict', action='store_true', help='stop at the first file that cannot be used'
    )
    args = parser.parse_args()
    if args.workers < 1:
        parser.error(f'--workers is {args.workers}, expected at least 1')
    return args


@command
def main() -> None:
    """Read, split, write."""
    args = parse_args()
    benchmark = BENCHMARKS[args.dataset]
    out = check_pickle_path(args.out)
    files = find_raw_files(args.raw, '.skeleton')
    wanted = [file for file in files if belongs(file.stem, benchmark)]
    if len(wanted) < len(files):
        print(f'{len(files) - len(wanted):,} files are not of {args.dataset}: left out')
    if args.ignore:
        ignored = read_names(args.ignore)
        total, wanted = len(wanted), [file for file in wanted if file.stem not in ignored]
        print(f'{total - len(wanted):,} files are in {args.ignore}: left out')
    annotations, skipped = convert_all(wanted, args.workers, args.strict)
    if not annotations:
        raise InputError(f'{", ".join(args.raw)}: no usable sample of {args.dataset} found')
    splits = benchmark.make_splits(annotation['frame_dir'] for annotation in annotations)
    save_annotations(dict(split=splits, annotations=annotations), out)
    print(f'{out}: {len(annotations):,} samples, {skipped:,} files skipped')
    Console().print(counts_table(splits, benchmark))


def belongs(name: str, benchmark: NTUBenchmark) -> bool:
    """Whether a file is one of the benchmark; one with a bad name is, so that it gets named."""
    try:
        return benchmark.contains(parse_name(name))
    except InputError:
        return True


def read_names(path: str) -> set[str]:
    """Read the names in a text file, with or without their suffix."""
    with open(path, encoding='utf-8', errors='replace') as file:
        return {line.strip().removesuffix('.skeleton') for line in file}


def convert(file: RawFile) -> dict[str, Any] | str:
    """Make the annotation of a file, or say why not."""
    try:
        return make_annotation(file.read(), file.stem, str(file))
    except InputError as error:
        return str(error)


def convert_all(
    files: list[RawFile], workers: int, strict: bool
) -> tuple[list[dict[str, Any]], int]:
    """Make the annotations of all files, in their order.

    Returns:
        The annotations, and the number of files that could not be used; each is named.

    Raises:
        InputError: If ``strict`` and a file cannot be used.
    """
    console = Console(stderr=True)
    annotations, skipped = [], 0
    quiet = not console.is_terminal
    with (
        convert_in_parallel(files, workers) as results,
        Progress(console=console, transient=True, disable=quiet) as progress,
    ):
        for result in progress.track(results, len(files), description='reading'):
            if not isinstance(result, str):
                annotations.append(result)
            elif strict:
                raise InputError(f'{result} (--strict)')
            else:
                skipped += 1
                console.print(f'skipped {result}', markup=False, highlight=False, soft_wrap=True)
    return annotations, skipped


@contextmanager
def convert_in_parallel(
    files: list[RawFile], workers: int
) -> Iterator[Iterator[dict[str, Any] | str]]:
    """Give the results of :func:`convert` in order; leaving the block ends the workers."""
    workers = min(workers, -(-len(files) // CHUNK))
    if workers <= 1:
        yield map(convert, files)
        return
    # The parent handles Ctrl-C, and ends the workers.
    ignore_interrupts = partial(signal.signal, signal.SIGINT, signal.SIG_IGN)
    with multiprocessing.Pool(workers, ignore_interrupts) as pool:
        yield pool.imap(convert, files, chunksize=CHUNK)


def counts_table(splits: dict[str, list[str]], benchmark: NTUBenchmark) -> Table:
    """The size of each split beside that of the full data set."""
    table = Table('split', title='samples')
    for heading in ('here', 'full data set', 'missing'):
        table.add_column(heading, justify='right')
    for split, names in splits.items():
        full = benchmark.sizes[split]
        table.add_row(split, f'{len(names):,}', f'{full:,}', f'{full - len(names):,}')
    return table


if __name__ == '__main__':
    main()
