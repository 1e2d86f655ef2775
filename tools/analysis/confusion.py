"""Compare models by the classes they confuse, as a table, a figure and JSON."""

import csre_mm_cli  # noqa: F401  first: Ctrl-C during the other imports is one line

import argparse
import math
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from csre_mm.datasets.class_names import find_class_names
from csre_mm.evaluation.confusion import (
    PairAccuracy,
    accuracy,
    class_accuracies,
    join_scores,
    matrix_of,
    mean_class_accuracy,
    most_confused_pairs,
    pair_accuracy,
)
from csre_mm.evaluation.scores import load_scores
from csre_mm.utils.cli import add_class_names, check_suffix, command, name_files, write_json
from csre_mm.utils.errors import InputError
from csre_mm.utils.tables import percent
from csre_mm.visualization import draw_confusion
from csre_mm.visualization.figures import check_figure

EPILOG = """\
FILE is what tools/test.py --dump wrote. All files have to be of the same samples.

example:
  python tools/analysis/confusion.py baseline=work_dirs/baseline/scores.pkl \\
      csre=work_dirs/csre/scores.pkl --classes synthetic --pairs 0,1 2,3 4,5 --out confusion.png
"""
HEADER_WIDTH = 16
"""Names of classes are wrapped to this many characters above the table."""


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('models', nargs='+', metavar='[NAME=]FILE', help='a model and its scores')
    parser.add_argument(
        '--pairs',
        nargs='+',
        default=[],
        metavar='A,B',
        help='labels of two classes, from 0 (default: the most confused of the first model)',
    )
    add_class_names(parser)
    parser.add_argument('--out', type=Path, metavar='FILE', help='figure: .png, .pdf or .svg')
    parser.add_argument('--json', type=Path, metavar='FILE', help='everything as numbers')
    parser.add_argument(
        '--top',
        type=int,
        default=5,
        metavar='N',
        help='most confused pairs to show without --pairs (default: %(default)s)',
    )
    return parser.parse_args()


def parse_pairs(arguments: Sequence[str], num_classes: int) -> list[tuple[int, int]]:
    """Pairs of different classes from ``A,B`` arguments."""
    pairs: list[tuple[int, int]] = []
    for argument in arguments:
        parts = argument.split(',')
        if len(parts) != 2 or not all(part.isascii() and part.isdigit() for part in parts):
            raise InputError(f'--pairs {argument}: expected two labels, such as 0,1')
        pair = int(parts[0]), int(parts[1])
        if max(pair) >= num_classes:
            raise InputError(
                f'--pairs {argument}: the scores have the classes 0 to {num_classes - 1}'
            )
        if pair[0] == pair[1]:
            raise InputError(f'--pairs {argument}: expected two different classes')
        pairs.append(pair)
    return pairs


def align(columns: Sequence[tuple[list[str], list[str]]]) -> str:
    """Align columns of (lines of the header, values): the first to the left, the others right."""
    height = max(len(header) for header, _ in columns)
    blocks = []
    for place, (header, values) in enumerate(columns):
        lines = [''] * (height - len(header)) + header
        width = max(map(len, lines + values))
        lines = [*lines, '-' * width, *values]
        blocks.append([line.rjust(width) if place else line.ljust(width) for line in lines])
    return '\n'.join('  '.join(row).rstrip() for row in zip(*blocks, strict=True))


def make_table(
    matrices: dict[str, np.ndarray],
    pairs: dict[tuple[int, int], list[PairAccuracy]],
    names: Sequence[str],
) -> str:
    """The table: a row per model, a column per pair."""
    columns = [
        (['model'], list(matrices)),
        (['top-1'], [percent(accuracy(matrix)) for matrix in matrices.values()]),
        (
            ['mean class'],
            [percent(mean_class_accuracy(matrix)) for matrix in matrices.values()],
        ),
    ]
    for (a, b), results in pairs.items():
        header = [*textwrap.wrap(f'{names[a]} /', HEADER_WIDTH)]
        header += textwrap.wrap(names[b], HEADER_WIDTH)
        values = [f'{percent(found.accuracy)} ({found.confused})' for found in results]
        columns.append((header, values))
    return align(columns)


def make_report(
    matrices: dict[str, np.ndarray],
    pairs: dict[tuple[int, int], list[PairAccuracy]],
    names: Sequence[str],
) -> dict[str, Any]:
    """What goes into the JSON file; accuracies of no samples are null."""
    report: dict[str, Any] = {'class_names': list(names), 'models': {}}
    for place, (name, matrix) in enumerate(matrices.items()):
        of_classes = [None if math.isnan(a) else a for a in class_accuracies(matrix).tolist()]
        of_pairs = []
        for pair, results in pairs.items():
            found = results[place]._asdict()
            if not found['samples']:
                found['accuracy'] = None
            of_pairs.append({'classes': list(pair), **found})
        report['models'][name] = {
            'samples': int(matrix.sum()),
            'top1': accuracy(matrix),
            'mean_class_accuracy': mean_class_accuracy(matrix),
            'class_accuracies': of_classes,
            'pairs': of_pairs,
            'matrix': matrix.tolist(),
        }
    return report


@command
def main() -> None:
    """Compare the models."""
    args = parse_args()
    if args.out is not None:
        check_figure(args.out)
    check_suffix('--json', args.json, '.json')
    if args.top < 1:
        raise InputError(f'--top is {args.top}, expected at least 1')
    files = name_files(args.models, 'model')
    models = join_scores({name: load_scores(file) for name, file in files.items()})
    num_classes = next(iter(models.values())).scores.shape[1]
    names = find_class_names(args.classes, num_classes)
    given = parse_pairs(args.pairs, num_classes)
    matrices = {name: matrix_of(scores) for name, scores in models.items()}
    shown = given or most_confused_pairs(next(iter(matrices.values())), args.top)
    pairs = {pair: [pair_accuracy(matrix, pair) for matrix in matrices.values()] for pair in shown}
    print(make_table(matrices, pairs, names))
    if pairs:
        print('\nIn per cent; for two classes, the samples misclassified as the other in brackets.')
        if not given:
            print(f'The pairs are those that {next(iter(models))} confuses most.')
    if args.out is not None:
        draw_confusion(matrices, names, args.out, given)
        print(f'The figure is in {args.out}.')
    if args.json is not None:
        write_json(args.json, make_report(matrices, pairs, names))


if __name__ == '__main__':
    main()
