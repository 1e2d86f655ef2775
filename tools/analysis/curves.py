"""Draw the training of one or more runs: losses, accuracies, health of the banks, learning rate."""

import csre_mm_cli  # noqa: F401  first: Ctrl-C during the other imports is one line

import argparse
import math
from pathlib import Path
from typing import Any

from csre_mm.evaluation.training_log import Run, read_run
from csre_mm.utils.cli import check_suffix, command, name_files, write_json
from csre_mm.utils.errors import InputError
from csre_mm.utils.tables import format_table, percent
from csre_mm.visualization.curves_figure import WIDTHS, draw_curves
from csre_mm.visualization.figures import check_figure

EPILOG = """\
RUN is the working folder of a run, a folder of one of its starts, or a scalars.json that mmengine
wrote. The files of a resumed run are joined.

example:
  python tools/analysis/curves.py baseline=work_dirs/ctrgcn_demo csre=work_dirs/csre_ctrgcn_demo \\
      --smooth 5 --out curves.pdf
"""


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        'runs', nargs='+', metavar='[NAME=]RUN', help='a run (default name: that of the folder)'
    )
    parser.add_argument('--out', type=Path, metavar='FILE', help='figure: .png, .pdf or .svg')
    parser.add_argument('--json', type=Path, metavar='FILE', help='the curves as numbers')
    parser.add_argument(
        '--smooth',
        type=int,
        default=1,
        metavar='N',
        help='mean over N log entries of the training (default: %(default)s)',
    )
    parser.add_argument(
        '--width',
        choices=list(WIDTHS),
        default='column',
        help='of the figure: a column of a paper, or a page (default: %(default)s)',
    )
    return parser.parse_args()


def make_table(runs: dict[str, Run]) -> str:
    """A row per run: its length, and its last and best values."""
    rows = []
    for name, run in runs.items():
        best, place = run.best('acc/top1')
        losses = (run.last(key) for key in ('loss', 'loss_cls'))
        accuracies = [percent(run.last('acc/top1')), percent(best)]
        accuracies[1] += '' if math.isnan(best) else f' ({place:g})'
        health = (run.last(key) for key in ('spatial_anchors', 'spatial_bank_filled'))
        row = [name, f'{run.length:g} {run.unit}s', *map(_short, losses)]
        rows.append([*row, *accuracies, *map(percent, health)])
    header = ['run', 'length', 'loss', 'classification', 'top-1', 'best (at)', 'anchors', 'filled']
    return format_table(header, rows)


def _short(value: float) -> str:
    return '-' if math.isnan(value) else f'{value:.4f}'


def make_report(runs: dict[str, Run]) -> dict[str, Any]:
    """What goes into the JSON file; values that are not finite are null."""
    report: dict[str, Any] = {}
    for name, run in runs.items():
        curves = {
            key: {
                'x': series.x.tolist(),
                'y': [y if math.isfinite(y) else None for y in series.y.tolist()],
            }
            for key, series in run.series.items()
        }
        report[name] = {'unit': run.unit, 'notes': run.notes, 'curves': curves}
    return report


@command
def main() -> None:
    """Read, list, draw."""
    args = parse_args()
    if args.out is not None:
        check_figure(args.out)
    check_suffix('--json', args.json, '.json')
    if args.smooth < 1:
        raise InputError(f'--smooth is {args.smooth}, expected at least 1')
    runs = {name: read_run(path) for name, path in name_files(args.runs, 'run', 'RUN').items()}
    print(make_table(runs))
    print('\nThe last values of the log; accuracies, anchors and filled slots in per cent.')
    for run in runs.values():
        for note in run.notes:
            print(f'Note: {note}')
    if args.out is not None:
        draw_curves(runs, args.out, args.smooth, args.width)
        print(f'The figure is in {args.out}.')
    if args.json is not None:
        write_json(args.json, make_report(runs))


if __name__ == '__main__':
    main()
