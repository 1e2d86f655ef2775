"""Say what changed from one model to another: classes, confused pairs, samples, significance."""

import csre_mm_cli  # noqa: F401  first: Ctrl-C during the other imports is one line

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from csre_mm.datasets.class_names import find_class_names
from csre_mm.evaluation.changes import Changes, find_changes
from csre_mm.evaluation.comparison import Comparison, compare
from csre_mm.evaluation.scores import Scores, load_scores
from csre_mm.evaluation.significance import CONFIDENCE, RESAMPLES, say_verdict
from csre_mm.utils.cli import add_class_names, check_suffix, command, progress, write_json
from csre_mm.utils.errors import InputError
from csre_mm.utils.tables import format_table, percent
from csre_mm.visualization import draw_class_gains, draw_pair_changes
from csre_mm.visualization.figures import check_figure

EPILOG = """\
FILE is what tools/test.py --dump wrote, or tools/ensemble.py --out. All files have to be of the
same samples. With several seeds the files are paired in the order in which they are given.

examples:
  python tools/analysis/compare.py work_dirs/baseline/scores.pkl work_dirs/csre/scores.pkl \\
      --classes synthetic --out compare.pdf
  python tools/analysis/compare.py --baseline b0.pkl b1.pkl b2.pkl --csre c0.pkl c1.pkl c2.pkl \\
      --classes names.txt --out compare.pdf --json compare.json
"""


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('files', nargs='*', metavar='FILE', help='the baseline, then CSRE')
    parser.add_argument(
        '--baseline', nargs='+', metavar='FILE', help='the first model, a seed each'
    )
    parser.add_argument('--csre', nargs='+', metavar='FILE', help='the second model, a seed each')
    parser.add_argument(
        '--labels',
        nargs=2,
        default=['baseline', 'csre'],
        metavar='NAME',
        help='names of the two models (default: baseline csre)',
    )
    add_class_names(parser)
    parser.add_argument(
        '--top',
        type=int,
        default=10,
        metavar='N',
        help='classes, pairs and samples to list (default: %(default)s; the JSON file has all)',
    )
    parser.add_argument(
        '--out',
        type=Path,
        metavar='FILE',
        help='figures, FILE with _classes and _pairs added to its name: .png, .pdf or .svg',
    )
    parser.add_argument('--json', type=Path, metavar='FILE', help='everything as numbers')
    return parser.parse_args()


def check_args(args: argparse.Namespace) -> tuple[list[str], list[str]]:
    """The files of the two models; refuses what cannot be written before anything is read."""
    if args.out is not None:
        check_figure(args.out)
    check_suffix('--json', args.json, '.json')
    if args.top < 1:
        raise InputError(f'--top is {args.top}, expected at least 1')
    if args.labels[0] == args.labels[1]:
        raise InputError(
            f'--labels {args.labels[0]} {args.labels[1]}: expected two different names'
        )
    named = args.baseline is not None and args.csre is not None
    if args.files and (args.baseline is not None or args.csre is not None):
        raise InputError('give two files, or --baseline and --csre, not both')
    if not named and len(args.files) != 2:
        raise InputError(
            f'{len(args.files)} files given, expected the baseline and CSRE, or --baseline and '
            '--csre with a file a seed each'
        )
    return (args.baseline, args.csre) if named else ([args.files[0]], [args.files[1]])


def read_runs(model: str, files: Sequence[str]) -> dict[str, Scores]:
    """Scores of a model by a name for messages."""
    runs: dict[str, Scores] = {}
    for file in progress(files, f'reading {model}'):
        name = f'{model} {file}'
        if name in runs:
            raise InputError(f'{file} is given twice for {model}')
        runs[name] = load_scores(file)
    return runs


def print_accuracy(found: Changes, samples: int, labels: Sequence[str]) -> None:
    """The accuracies of each pair of runs, their test, and what holds over all."""
    difference = found.difference
    runs = zip(difference.before, difference.after, difference.tests, strict=True)
    rows = []
    for place, (before, after, test) in enumerate(runs):
        row = [str(place), percent(before), percent(after), percent(after - before, signed=True)]
        rows.append([*row, str(test.only_before), str(test.only_after), f'{test.p_value:.2g}'])
    first, second = labels
    header = ['run', first, second, 'change', f'only {first}', f'only {second}', 'McNemar p']
    print(format_table(header, rows))
    print(
        f'\nTop-1 in per cent of {samples} samples; "only" counts the samples '
        'that one of the two has right.'
    )
    interval = difference.interval
    spread = (
        f', standard deviation over {len(rows)} seeds {percent(difference.deviation)}'
        if difference.deviation is not None
        else ''
    )
    over = 'samples and seeds' if interval.over_seeds else 'samples'
    print(
        f'Change: {percent(difference.mean, signed=True)} points{spread}; 95 % interval '
        f'{percent(interval.low, signed=True)} to {percent(interval.high, signed=True)} (bootstrap '
        f'over {over}, {RESAMPLES:,} resamples).'
    )
    print(say_verdict(difference, first, second))
    means = [percent(mean) for mean in found.mean_class]
    print(f'Mean class accuracy: {means[0]} ({first}) and {means[1]} ({second}).')


def print_changes(found: Changes, names: Sequence[str], labels: Sequence[str], top: int) -> None:
    """The classes at both ends, the confused pairs, and the samples that flipped."""
    rows = [
        [
            names[change.label],
            str(change.samples),
            percent(change.before),
            percent(change.after),
            percent(change.gain, signed=True),
        ]
        for change in found.classes
    ]
    if len(rows) > 2 * top:
        rows[top:-top] = [['...', '', '', '', '']]
    print()
    print(format_table(['class', 'samples', *labels, 'gain'], rows))
    pairs = [
        [
            ' / '.join(names[label] for label in pair.classes),
            str(pair.samples),
            f'{round(pair.before, 1):g}',
            f'{round(pair.after, 1):g}',
        ]
        for pair in found.pairs[:top]
    ]
    if pairs:
        print()
        print(format_table(['misclassified as each other', 'samples', *labels], pairs))
        print('The pairs are those that the two together confuse most.')
    print()
    for word, samples in (('Gained', found.gained), ('Lost', found.lost)):
        listed = ', '.join(flip.name for flip in samples[:top])
        more = f' and {len(samples) - top} more' if len(samples) > top else ''
        print(f'{word}: {len(samples)} samples{": " if listed else ""}{listed}{more}')


def write_figures(found: Changes, names: Sequence[str], args: argparse.Namespace) -> None:
    """The two figures; without confused pairs only one."""
    out: Path = args.out
    path = out.with_stem(f'{out.stem}_classes')
    draw_class_gains(found.classes, names, path)
    print(f'The gains are in {path}.')
    if found.pairs:
        path = out.with_stem(f'{out.stem}_pairs')
        draw_pair_changes(found.pairs[: args.top], names, path, tuple(args.labels))
        print(f'The pairs are in {path}.')


def make_report(
    found: Changes, comparison: Comparison, names: Sequence[str], models: tuple[str, ...]
) -> dict[str, Any]:
    """What goes into the JSON file. Accuracies are from 0 to 1, pairs count samples."""
    difference = found.difference
    interval = {**difference.interval._asdict(), 'confidence': CONFIDENCE, 'resamples': RESAMPLES}
    return {
        'models': list(models),
        'samples': len(comparison.names),
        'seeds': len(difference.before),
        'class_names': list(names),
        'top1': {
            'before': list(difference.before),
            'after': list(difference.after),
            'mean_difference': difference.mean,
            'standard_deviation': difference.deviation,
            'interval': interval,
            'mcnemar': [test._asdict() for test in difference.tests],
            'verdict': say_verdict(difference, *models),
        },
        'mean_class_accuracy': dict(zip(('before', 'after'), found.mean_class, strict=True)),
        'classes': [{**change._asdict(), 'gain': change.gain} for change in found.classes],
        'pairs': [pair._asdict() for pair in found.pairs],
        'gained': [flip._asdict() for flip in found.gained],
        'lost': [flip._asdict() for flip in found.lost],
    }


@command
def main() -> None:
    """Compare two models."""
    args = parse_args()
    first, second = check_args(args)
    labels = tuple(args.labels)
    comparison = compare(read_runs(labels[0], first), read_runs(labels[1], second))
    names = find_class_names(args.classes, comparison.num_classes)
    found = find_changes(comparison)
    print_accuracy(found, len(comparison.names), labels)
    print_changes(found, names, labels, args.top)
    if args.out is not None:
        write_figures(found, names, args)
    if args.json is not None:
        write_json(args.json, make_report(found, comparison, names, labels))


if __name__ == '__main__':
    main()
