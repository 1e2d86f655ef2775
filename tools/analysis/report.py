"""Gather a run, or several, in one HTML file that opens without a network."""

import csre_mm_cli  # noqa: F401  first: Ctrl-C during the other imports is one line

import argparse
from pathlib import Path

import csre_mm  # noqa: F401  repairs the stack before anything else of it is imported
from csre_mm.utils.cli import add_class_names, check_suffix, command, name_files, progress
from csre_mm.utils.errors import InputError
from csre_mm.utils.files import atomic_path
from csre_mm.visualization import Report, gather_run
from csre_mm.visualization.figures import COLOURS

EPILOG = """\
RUN is the working folder of tools/train.py. From it come the config, the log, the banks of the
newest checkpoint, and the scores (.pkl of tools/test.py --dump) and images (.svg, .png, .gif)
in it. Every run is compared with the first one by score files of the same name, such as
scores.pkl in both folders.

example:
  python tools/analysis/report.py baseline=work_dirs/ctrgcn_nwucla csre=work_dirs/csre_ctrgcn_nwucla
"""


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


@command
def main() -> None:
    """Gather and write."""
    args = parse_args()
    check_suffix('--out', args.out, '.html')
    folders = name_files(args.runs, 'run', 'RUN')
    if len(folders) > len(COLOURS):
        raise InputError(f'{len(folders)} runs, a report has {len(COLOURS)} at most')
    runs = [gather_run(name, path) for name, path in progress(folders.items(), 'reading')]
    out = args.out or runs[-1].folder / 'report.html'
    report = Report(runs, args.title, args.classes)
    for section in progress(report.sections(), 'writing'):
        section()
    with atomic_path(out) as path:
        path.write_text(report.html(), encoding='utf-8')
    print(f'The report is in {out}.')


if __name__ == '__main__':
    main()
