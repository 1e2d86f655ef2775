"""Compare models by the classes they confuse, as a table, a picture and JSON."""

import argparse
import json
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
    top1,
)
from csre_mm.evaluation.scores import Scores, load_scores
from csre_mm.utils.cli import add_class_names, command
from csre_mm.utils.errors import InputError
from csre_mm.utils.files import atomic_path
from csre_mm.utils.tables import percent
from csre_mm.visualization.confusion_figure import draw_confusion
from csre_mm.visualization.figures import check_suffix

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
    parser.add_argument('models', nargs='+', metavar='NAME=FILE', help='a model and its scores')
    parser.add_argument(
        '--pairs',
        nargs='+',
        default=[],
        metavar='A,B',
        help='labels of two classes, from 0 (default: the most confused of the first model)',
    )
    add_class_names(parser)
    parser.add_argument('--out', type=Path, metavar='FILE', help='picture: .png, .pdf or .svg')
    parser.add_argument('--json', type=Path, metavar='FILE', help='everything as numbers')
    parser.add_argument(
        '--top',
        type=int,
        default=5,
        metavar='N',
        help='most confused pairs to show without --pairs (default: %(default)s)',
    )
    return parser.parse_args()


def read_models(arguments: Sequence[str]) -> dict[str, Scores]:
    """Read the files of ``NAME=FILE`` arguments, samples in the order of the first."""
    files: dict[str, str] = {}
    for argument in arguments:
        name, _, file = argument.partition('=')
        if not name or not file:
            raise InputError(f'{argument}: expected NAME=FILE')
        if name in files:
            raise InputError(f'{argument}: there already is a model named {name}')
        files[name] = file
    return join_scores({name: load_scores(file) for name, file in files.items()})


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


def format_table(columns: Sequence[tuple[list[str], list[str]]]) -> str:
    """Align columns of (lines of the header, cells): the first to the left, the others right."""
    height = max(len(header) for header, _ in columns)
    blocks = []
    for place, (header, cells) in enumerate(columns):
        lines = [''] * (height - len(header)) + header
        width = max(map(len, lines + cells))
        lines = [*lines, '-' * width, *cells]
        blocks.append([line.rjust(width) if place else line.ljust(width) for line in lines])
    return '\n'.join('  '.join(row).rstrip() for row in zip(*blocks, strict=True))


def make_table(
    models: dict[str, Scores],
    matrices: dict[str, np.ndarray],
    pairs: dict[tuple[int, int], list[PairAccuracy]],
    names: Sequence[str],
) -> str:
    """The table: a row a model, a column a pair."""
    columns = [
        (['model'], list(models)),
        (['top-1'], [percent(top1(scores)) for scores in models.values()]),
        (
            ['mean class'],
            [percent(mean_class_accuracy(matrix)) for matrix in matrices.values()],
        ),
    ]
    for (a, b), results in pairs.items():
        header = [*textwrap.wrap(f'{names[a]} /', HEADER_WIDTH)]
        header += textwrap.wrap(names[b], HEADER_WIDTH)
        cells = [f'{percent(found.accuracy)} ({found.confused})' for found in results]
        columns.append((header, cells))
    return format_table(columns)


def make_report(
    matrices: dict[str, np.ndarray],
    pairs: dict[tuple[int, int], list[PairAccuracy]],
    names: Sequence[str],
) -> dict[str, Any]:
    """What goes into the JSON file; shares of no samples are null."""
    report: dict[str, Any] = {'class_names': list(names), 'models': {}}
    for place, (name, matrix) in enumerate(matrices.items()):
        shares = [None if math.isnan(s) else s for s in class_accuracies(matrix).tolist()]
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
            'class_accuracies': shares,
            'pairs': of_pairs,
            'matrix': matrix.tolist(),
        }
    return report


@command
def main() -> None:
    """Compare the models."""
    args = parse_args()
    if args.out is not None:
        check_suffix(args.out)
    if args.json is not None and args.json.suffix.lower() != '.json':
        raise InputError(f'--json {args.json}: the name must end in .json')
    if args.top < 1:
        raise InputError(f'--top is {args.top}, expected at least 1')
    models = read_models(args.models)
    num_classes = next(iter(models.values())).scores.shape[1]
    names = find_class_names(args.classes, num_classes)
    given = parse_pairs(args.pairs, num_classes)
    matrices = {name: matrix_of(scores) for name, scores in models.items()}
    shown = given or most_confused_pairs(next(iter(matrices.values())), args.top)
    pairs = {pair: [pair_accuracy(scores, pair) for scores in models.values()] for pair in shown}
    print(make_table(models, matrices, pairs, names))
    if pairs:
        print('\nIn per cent; for two classes, the samples taken for the other class in brackets.')
        if not given:
            print(f'The pairs are those that {next(iter(models))} confuses most.')
    if args.out is not None:
        draw_confusion(matrices, names, args.out, given)
        print(f'The picture is in {args.out}.')
    if args.json is not None:
        with atomic_path(args.json) as path:
            path.write_text(json.dumps(make_report(matrices, pairs, names), indent=1) + '\n')
        print(f'The numbers are in {args.json}.')


if __name__ == '__main__':
    main()
