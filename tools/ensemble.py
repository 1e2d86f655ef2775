"""Fuse the scores of several streams, joined by the names of their samples."""

import csre_mm_cli  # noqa: F401  first: Ctrl-C during the other imports is one line

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

from csre_mm.evaluation.confusion import join_scores
from csre_mm.evaluation.ensemble import (
    ORDER,
    PRESETS,
    Accuracy,
    are_probabilities,
    check_fitting,
    check_weights,
    evaluate_subsets,
    fit_weights,
    fuse,
    preset_weights,
    to_probabilities,
)
from csre_mm.evaluation.scores import Scores, read_labels, read_scores, save_scores
from csre_mm.utils.cli import check_suffix, command, name_files, progress, write_json
from csre_mm.utils.errors import InputError
from csre_mm.utils.files import read_lines
from csre_mm.utils.tables import format_table, percent

EPILOG = """\
FILE is what tools/test.py --dump wrote, or the dictionary of names to scores that code of CTR-GCN's
kind writes (epoch1_test_score.pkl). The latter holds no labels, so it needs --ann and --split; if
it numbers its samples, --names says which sample each number is.

presets of --weights, for streams in the order {order}:
{presets}

examples:
  python tools/ensemble.py joint=scores_j.pkl bone=scores_b.pkl
  python tools/ensemble.py joint=scores_j.pkl bone=scores_b.pkl joint_motion=scores_jm.pkl \\
      bone_motion=scores_bm.pkl --weights ctrgcn --out fused.pkl
  python tools/ensemble.py joint=joint/epoch1_test_score.pkl bone=bone/epoch1_test_score.pkl \\
      --ann data/skeleton/ntu60_3d.pkl --split xsub_val --names test_names.txt
  python tools/ensemble.py joint=scores_j.pkl bone=scores_b.pkl \\
      --fit-on heldout_j.pkl heldout_b.pkl
"""


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    presets = '\n'.join(
        f'  {name:<18} {" ".join(f"{w:<4g}" for w in preset.weights)}  ({preset.source})'
        for name, preset in PRESETS.items()
    )
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog=EPILOG.format(order=', '.join(ORDER), presets=presets),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        'streams', nargs='+', metavar='[NAME=]FILE', help='scores (default name: that of the file)'
    )
    parser.add_argument('--ann', metavar='FILE', help='annotation pickle with the labels')
    parser.add_argument('--split', help='split of --ann that the scores are of')
    parser.add_argument('--names', metavar='FILE', help='names of numbered samples, one a line')
    weights = parser.add_mutually_exclusive_group()
    weights.add_argument(
        '--weights', nargs='+', metavar='W', help='a number a stream, or a preset (default: 1 each)'
    )
    weights.add_argument(
        '--fit-on', nargs='+', metavar='FILE', help='fit weights on scores of another split'
    )
    parser.add_argument('--fit-split', help='split of --ann that --fit-on is of')
    parser.add_argument('--fit-names', metavar='FILE', help='as --names, for --fit-on')
    parser.add_argument(
        '--softmax', action='store_true', help='bring logits to probabilities before the sum'
    )
    parser.add_argument('--out', metavar='FILE', help='write the fused scores, as --dump does')
    parser.add_argument('--json', metavar='FILE', help='write the numbers')
    return parser.parse_args()


def check_args(args: argparse.Namespace) -> None:
    """Refuse what cannot be written or does not belong together, before anything is read."""
    check_suffix('--out', args.out, '.pkl')
    check_suffix('--json', args.json, '.json')
    if args.split is not None and args.ann is None:
        raise InputError('--split is a split of an annotation file: give it with --ann')
    for option in ('fit_split', 'fit_names'):
        if getattr(args, option) is not None and args.fit_on is None:
            raise InputError(f'--{option.replace("_", "-")} belongs to --fit-on')
    if args.fit_on is not None and len(args.fit_on) != len(args.streams):
        raise InputError(f'--fit-on has {len(args.fit_on)} files for {len(args.streams)} streams')


def read_streams(
    files: dict[str, str], ann: str | None, split: str | None, names: str | None
) -> dict[str, Scores]:
    """Read the streams of one split and join them."""
    lines = None if names is None else read_lines(names, '--names')
    labels = None if ann is None else read_labels(ann, split)
    given, whole = progress(files.items(), 'reading'), split is not None
    return join_scores({name: read_scores(file, labels, lines, whole) for name, file in given})


def choose_weights(
    args: argparse.Namespace, streams: dict[str, Scores], fitting: dict[str, Scores] | None
) -> tuple[tuple[float, ...], str]:
    """The weights that the command line asks for, and in words where they come from."""
    if fitting is not None:
        values = fit_weights(list(fitting.values()))
        number = len(next(iter(fitting.values())).names)
        source = (
            f'fitted on {number} samples of another split, {", ".join(args.fit_on)}; none of '
            'them is reported here'
        )
        return values, source
    if args.weights is None:
        return (1.0,) * len(streams), 'equal'
    if len(args.weights) == 1 and args.weights[0] in PRESETS:
        name = args.weights[0]
        return preset_weights(name, list(streams)), f'{name}: {PRESETS[name].source}'
    try:
        values = tuple(map(float, args.weights))
    except ValueError as error:
        raise InputError(
            f'--weights {" ".join(args.weights)}: expected a number for each stream, or one of '
            f'{" ".join(PRESETS)}'
        ) from error
    return check_weights(values, len(streams)), 'given'


def same_kind(streams: dict[str, Scores], softmax: bool) -> tuple[dict[str, Scores], list[str]]:
    """Bring logits to probabilities if asked to, and say whether kinds are mixed."""
    logits = [name for name, scores in streams.items() if not are_probabilities(scores)]
    if softmax:
        changed = {name: to_probabilities(streams[name]) for name in logits}
        return streams | changed, [f'The softmax was taken of {", ".join(logits) or "no stream"}.']
    if logits and len(logits) < len(streams):
        return streams, [
            f'Note: {", ".join(logits)} look like logits and the other streams like probabilities: '
            'the sum is of both; --softmax makes probabilities of all.'
        ]
    return streams, []


def make_report(
    files: dict[str, str],
    streams: dict[str, Scores],
    weights: Sequence[float],
    source: str,
    found: Mapping[tuple[int, ...], Accuracy | None],
) -> dict[str, Any]:
    """What goes into the JSON file."""
    names, first = list(streams), next(iter(streams.values()))
    return {
        'samples': len(first.names),
        'classes': first.scores.shape[1],
        'streams': [
            {'name': name, 'file': files[name], 'weight': weight}
            for name, weight in zip(names, weights, strict=True)
        ],
        'weights': source,
        'accuracies': [
            {
                'streams': [names[i] for i in places],
                **dict(zip(Accuracy._fields, accuracy or (None,) * 3, strict=True)),
            }
            for places, accuracy in found.items()
        ],
    }


@command
def main() -> None:
    """Read, weigh, sum, report."""
    args = parse_args()
    check_args(args)
    files = name_files(args.streams, 'stream')
    streams = read_streams(files, args.ann, args.split, args.names)
    streams, notes = same_kind(streams, args.softmax)
    fitting = None
    if args.fit_on is not None:
        given = dict(zip(files, args.fit_on, strict=True))
        fitting = read_streams(given, args.ann, args.fit_split, args.fit_names)
        fitting, _ = same_kind(fitting, args.softmax)
        check_fitting(fitting, streams)
    weights, source = choose_weights(args, streams, fitting)
    found = evaluate_subsets(list(streams.values()), weights)
    names = list(streams)
    rows = [
        [' + '.join(names[i] for i in places), *(map(percent, accuracy) if accuracy else '---')]
        for places, accuracy in found.items()
    ]
    print(format_table(['streams', 'top-1', 'top-5', 'mean class'], rows))
    shown = ', '.join(f'{n} {w:g}' for n, w in zip(names, weights, strict=True))
    print(f'\nIn per cent of {len(streams[names[0]].names)} samples.')
    print(f'Weights ({source}): {shown}.')
    for note in notes:
        print(note)
    if args.out is not None:
        save_scores(fuse(list(streams.values()), weights), args.out)
        print(f'The fused scores are in {args.out}.')
    if args.json is not None:
        write_json(args.json, make_report(files, streams, weights, source, found))


if __name__ == '__main__':
    main()
