"""NTU RGB+D 60 and 120: from the raw .skeleton files to the annotation pickle.

The pickle is written as a whole, from memory: some 4 GB for NTU RGB+D 120. A report with all names
goes to OUT.report.json.
"""

import csre_mm_cli  # noqa: F401  first: Ctrl-C during the other imports is one line

import argparse
import json
import os
import textwrap
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TimeElapsedColumn

from csre_mm.datasets.annotations import check_pickle_path, save_annotations
from csre_mm.datasets.preparation.ntu.annotation import CLEANINGS
from csre_mm.datasets.preparation.ntu.convert import Outcome, convert_files
from csre_mm.datasets.preparation.ntu.report import make_report
from csre_mm.datasets.preparation.ntu.splits import BENCHMARKS, NTUBenchmark, parse_name
from csre_mm.datasets.preparation.raw_files import RawFile, find_raw_files
from csre_mm.utils.cli import command
from csre_mm.utils.errors import InputError, printable
from csre_mm.utils.files import atomic_path
from csre_mm.utils.tables import format_table

EPILOG = """\
cleaning:
{cleanings}

examples:
  python tools/data/prepare_ntu.py nturgbd_skeletons_s001_to_s017.zip \\
      data/skeleton/ntu60_3d.pkl --dataset ntu60
  python tools/data/prepare_ntu.py nturgbd_skeletons_s001_to_s017.zip \\
      nturgbd_skeletons_s018_to_s032.zip data/skeleton/ntu120_3d.pkl --dataset ntu120 \\
      --ignore NTU_RGBD120_samples_with_missing_skeletons.txt --workers 8
"""
NAMES_SHOWN = 2
"""Of the files behind a count."""


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    cleanings = '\n'.join(f'  {name:<17} {meaning}' for name, meaning in CLEANINGS.items())
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=EPILOG.format(cleanings=cleanings),
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
        '--cleaning',
        choices=list(CLEANINGS),
        default='published',
        help='how the actors are chosen (default: %(default)s; see below)',
    )
    parser.add_argument(
        '--ignore',
        metavar='FILE',
        help='names to leave out, one a line: the official list of samples with missing skeletons',
    )
    parser.add_argument('--report', metavar='FILE', help='(default: OUT.report.json)')
    parser.add_argument(
        '--workers', type=int, default=os.cpu_count() or 1, help='processes (default: all cores)'
    )
    parser.add_argument(
        '--strict', action='store_true', help='stop at the first file that cannot be used'
    )
    return parser.parse_args()


def format_report(report: dict[str, Any]) -> str:
    """The report of :func:`make_report` as tables, with the first names only."""
    counts = [
        [name, f'{n["here"]:,}', f'{n["full"]:,}', f'{n["here"] - n["full"]:+,}']
        for name, n in [*report['files'].items(), *report['splits'].items()]
    ]
    classes = [f'{name} {n["samples"]}/{n["full_files"]}' for name, n in report['classes'].items()]
    rejected = [
        [reason, f'{group["count"]:,}', f'{group["meaning"]}{_such_as(group["files"])}']
        for reason, group in report['rejected'].items()
    ]
    notes = [
        [note, f'{group["total"]:,}', f'{group["files"]:,}', _such_as(group['names'])]
        for note, group in report['notes'].items()
    ]
    parts = [
        format_table(['files and samples', 'here', 'full data set', 'difference'], counts),
        f'samples / raw files of the full data set\n{textwrap.fill("  ".join(classes), 100)}',
        format_table(['files without a sample', 'files', 'meaning'], rejected, left=(0, 2)),
    ]
    if notes:
        header = ['unusual in the samples', 'number', 'in files', '']
        parts.append(format_table(header, notes, left=(0, 3)))
    return '\n\n'.join(parts)


def _such_as(names: Iterable[str]) -> str:
    """The first names, behind what is said of them."""
    names = [printable(name) for name in names]
    more = ', ...' if len(names) > NAMES_SHOWN else ''
    return f', such as {", ".join(names[:NAMES_SHOWN])}{more}' if names else ''


@command
def main() -> None:
    """Read, split, write, report."""
    args = parse_args()
    if args.workers < 1:
        raise InputError(f'--workers is {args.workers}, expected at least 1')
    benchmark = BENCHMARKS[args.dataset]
    out = check_pickle_path(args.out)
    report_path = check_report_path(args.report, out)
    files, ignored, num_other = choose_files(args.raw, args.ignore, benchmark)
    outcomes = convert_all(files, args.cleaning, args.workers, args.strict)
    annotations = [one.annotation for one in outcomes if one.annotation is not None]
    if not annotations:
        raise InputError(f'{", ".join(args.raw)}: no usable sample of {args.dataset} found')
    splits = benchmark.make_splits(annotation['frame_dir'] for annotation in annotations)
    save_annotations({'split': splits, 'annotations': annotations}, out)
    options = dict(out=str(out), raw=args.raw, dataset=args.dataset, cleaning=args.cleaning)
    report = options | make_report(outcomes, ignored, num_other, splits, benchmark)
    with atomic_path(report_path) as path:
        path.write_text(json.dumps(report, indent=1) + '\n', encoding='ascii')
    show(report, out, report_path)


def check_report_path(report: str | None, out: Path) -> Path:
    """Where the report goes."""
    path = out.with_suffix('.report.json') if report is None else Path(report)
    if path.is_dir() or path.resolve() == out.resolve():
        raise InputError(f'--report is {path}, expected the name of a file other than OUT.pkl')
    return path


def choose_files(
    raw: Sequence[str], ignore: str | None, benchmark: NTUBenchmark
) -> tuple[list[RawFile], list[str], int]:
    """Find the raw files of a data set.

    Returns:
        The files, the names of those left out by request, and the number of those of another data
        set.
    """
    unwanted = read_names(ignore) if ignore else set()
    found = find_raw_files(raw, '.skeleton')
    ours = [file for file in found if belongs(file.stem, benchmark)]
    ignored = [file.stem for file in ours if file.stem in unwanted]
    return [file for file in ours if file.stem not in unwanted], ignored, len(found) - len(ours)


def belongs(name: str, benchmark: NTUBenchmark) -> bool:
    """Whether a file is one of the benchmark; one with a bad name is, so that it gets named."""
    try:
        return benchmark.contains(parse_name(name))
    except InputError:
        return True


def read_names(path: str) -> set[str]:
    """Read the names in a text file, with or without their suffix."""
    with open(path, encoding='utf-8', errors='replace') as file:
        names = {line.strip().removesuffix('.skeleton') for line in file}
    for name in names:
        try:
            parse_name(name)
        except InputError:
            continue
        return names
    raise InputError(f'--ignore {path}: no name in it, expected SsssCcccPpppRrrrAaaa, one a line')


def convert_all(
    files: Sequence[RawFile], cleaning: str, workers: int, strict: bool
) -> list[Outcome]:
    """Convert all files, in their order, and name those that give no sample.

    Raises:
        InputError: If ``strict`` and a file gives no sample.
    """
    console = Console(stderr=True)
    columns = (*Progress.get_default_columns(), MofNCompleteColumn(), TimeElapsedColumn())
    outcomes: list[Outcome] = []
    with (
        closing(convert_files(files, cleaning, workers)) as results,
        Progress(
            *columns, console=console, transient=True, disable=not console.is_terminal
        ) as progress,
    ):
        for outcome in progress.track(results, len(files), description='files'):
            if outcome.reason is not None and strict:
                raise InputError(f'{outcome.message} (--strict)')
            if outcome.reason is not None:
                text = f'skipped {outcome.message}'
                console.print(text, markup=False, highlight=False, soft_wrap=True)
            outcomes.append(outcome)
    return outcomes


def show(report: dict[str, Any], out: Path, report_path: Path) -> None:
    """Print the report."""
    print(format_report(report))
    if report['other_dataset']:
        print(f'{report["other_dataset"]:,} files are not of {report["dataset"]}: left out')
    if report['ignored']:
        print(f'{report["ignored"]:,} files are in the list of --ignore: left out')
    skipped = sum(group['count'] for group in report['rejected'].values())
    samples = report['files']['samples']['here']
    print(f'{printable(str(out))}: {samples:,} samples, {skipped:,} files skipped')
    print(f'{printable(str(report_path))}: the names behind these numbers')


if __name__ == '__main__':
    main()
