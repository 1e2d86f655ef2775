"""Gather a run, or several, in one HTML file that opens without a network."""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import track

import csre_mm  # noqa: F401  repairs the stack before anything else of it is imported
from csre_mm.utils.cli import add_class_names, command
from csre_mm.utils.errors import InputError
from csre_mm.utils.files import atomic_path
from csre_mm.visualization.figures import COLOURS
from csre_mm.visualization.report import Report
from csre_mm.visualization.run_folder import RunFolder, gather_run

EPILOG = """\
RUN is the working folder of tools/train.py. From it come the config, the log, the banks of the
newest checkpoint, and the scores (.pkl of tools/test.py --dump) and pictures (.svg, .png, .gif)
that lie in it. Every run is compared with the first one by score files of the same name, such as
scores.pkl in both folders.

example:
  python tools/analysis/report.py baseline=work_dirs/ctrgcn_nwucla csre=work_dirs/csre_ctrgcn_nwucla
"""
CONSOLE = Console(stderr=True)


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('runs', nargs='+', metavar='[NAME=]RUN', help='a run, the baseline first')
    parser.add_argument(
        '--out', type=Path, metavar='FILE', help='.html (default: report.html in the last RUN)'
    )
    add_class_names(parser, 'those of the data set of the config')
    parser.add_argument('--title', default='Training report', help='(default: %(default)s)')
    return parser.parse_args()


def read_runs(arguments: Sequence[str]) -> list[RunFolder]:
    """Gather the runs of ``NAME=RUN`` or ``RUN`` arguments."""
    folders: dict[str, str] = {}
    for argument in arguments:
        name, separator, path = argument.partition('=')
        if not separator:
            name, path = Path(argument).resolve().name, argument
        if not name or not path or name in folders:
            raise InputError(f'{argument}: expected RUN or NAME=RUN, each name once')
        folders[name] = path
    if len(folders) > len(COLOURS):
        raise InputError(f'{len(folders)} runs, a report has {len(COLOURS)} at most')
    hidden = not CONSOLE.is_terminal
    found = track(folders.items(), 'reading', console=CONSOLE, disable=hidden)
    return [gather_run(name, path) for name, path in found]


@command
def main() -> None:
    """Gather and write."""
    args = parse_args()
    if args.out is not None and args.out.suffix.lower() != '.html':
        raise InputError(f'--out {args.out}: the name must end in .html')
    runs = read_runs(args.runs)
    out = args.out or runs[-1].folder / 'report.html'
    with tempfile.TemporaryDirectory() as folder:
        report = Report(runs, args.title, args.classes, Path(folder))
        for section in track(
            report.sections(), 'writing', console=CONSOLE, disable=not CONSOLE.is_terminal
        ):
            section()
    with atomic_path(out) as path:
        path.write_text(report.page.html(), encoding='utf-8')
    print(f'The report is in {out}.')


if __name__ == '__main__':
    main()
