"""Train baselines and CSRE with the same seeds and budget, and say what the difference is."""

import csre_mm_cli  # noqa: F401  first: Ctrl-C during the other imports is one line

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

import csre_mm  # noqa: F401  repairs the stack before anything else of it is imported
from csre_mm.apis import merge_options
from csre_mm.evaluation.ensemble import preset_weights
from csre_mm.evaluation.scores import read_labels
from csre_mm.experiments.execute import Executor
from csre_mm.experiments.gather import (
    check_kept,
    finished_experiments,
    gather_results,
    read_recorded,
)
from csre_mm.experiments.plan import BASELINE, Variant, plan_runs
from csre_mm.experiments.record import is_finished, train_command
from csre_mm.experiments.results import Results, save_results
from csre_mm.experiments.summary import HEADER, say_row, summarise
from csre_mm.utils.cli import add_config_options, check_suffix, command
from csre_mm.utils.config import innermost_datasets, read_config
from csre_mm.utils.config_text import parse_value
from csre_mm.utils.errors import InputError
from csre_mm.utils.project import call_of
from csre_mm.utils.tables import format_table

EPILOG = """\
CONFIG is that of a baseline; csre_CONFIG next to it is trained, too, and so is every --variant. A
run that is finished is not repeated, one that was interrupted is resumed from its last epoch: call
the command again, also with more seeds or variants. Each run has a folder with its config, log,
checkpoints of the last and of the best epoch, their scores on the test split, and run.json.

examples:
  python tools/benchmark_runs.py configs/hcn_nwucla.py --seeds 0 1 2 --subsets val_clean --jobs 2 \\
      --out results.json
  python tools/benchmark_runs.py configs/ctrgcn_nwucla.py --seeds 0 1 2 --streams j b jm bm \\
      --fuse ctrgcn --amp --jobs 8
  python tools/benchmark_runs.py configs/hcn_nwucla.py --seeds 0 --folds 3 --epochs 16 \\
      --variant light model.neck.loss.loss_weight=0.1
"""
CONSOLE = Console(stderr=True, highlight=False, soft_wrap=True)


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add('configs', nargs='+', type=Path, metavar='CONFIG', help='config of a baseline')
    add('--seeds', nargs='+', type=int, default=[0], metavar='N', help='(default: 0)')
    add(
        '--streams',
        nargs='+',
        choices=['j', 'b', 'jm', 'bm'],
        default=['j'],
        help='joints, bones, their motions (default: j)',
    )
    add(
        '--variant',
        '--arm',  # its name in the commands of older results
        nargs='+',
        action='append',
        default=[],
        metavar=('NAME', 'KEY=VALUE'),
        help='CSRE (or csre itself) with other settings; can be given several times',
    )
    add('--only', nargs='+', metavar='VARIANT', help='leave the other variants for later')
    add('--epochs', type=int, metavar='N', help='compress the schedule of the recipe to N epochs')
    add(
        '--folds',
        type=int,
        default=0,
        metavar='N',
        help='test on subjects held out of the training set, in N folds, not on the test split',
    )
    add(
        '--subsets',
        nargs='+',
        default=[],
        metavar='SPLIT',
        help='splits of the annotation file that are parts of the test split, to report, too',
    )
    add('--fuse', metavar='PRESET', help='fuse the streams by the weights of tools/ensemble.py')
    add('--amp', action='store_true', help='train in mixed precision')
    add('--jobs', type=int, metavar='N', help='runs at once (default: one, or one a GPU)')
    add('--gpus', nargs='+', default=[], metavar='I', help='devices the runs go to in turn')
    add('--work-dir', type=Path, default=Path('work_dirs/benchmark'), metavar='FOLDER')
    add(
        '--out',
        type=Path,
        metavar='FILE',
        help='write the results: .json; what it has already is not run again (but for --fuse)',
    )
    add('--title', help='of the results, for docs/results.md (default: the configs)')
    add('--dry-run', action='store_true', help='print the commands of the runs and end')
    add_config_options(parser, 'change all runs')
    args = parser.parse_args()
    args.cfg_options = args.cfg_options or {}
    args.jobs = max(len(args.gpus), 1) if args.jobs is None else args.jobs
    return args


def check_args(args: argparse.Namespace) -> None:
    """Refuse what does not go together before anything is run."""
    check_suffix('--out', args.out, '.json')
    if args.jobs < 1:
        raise InputError(f'--jobs is {args.jobs}, expected at least 1')
    for option in ('seeds', 'streams'):
        values = getattr(args, option)
        if len(set(values)) < len(values):
            raise InputError(f'--{option} {" ".join(map(str, values))}: one is given twice')
    if args.folds and args.subsets:
        raise InputError('--subsets are parts of the test split, --folds do not use it')


def read_variants(given: Sequence[Sequence[str]]) -> list[Variant]:
    """The baseline, CSRE, and what --variant adds; ``csre`` itself may get other settings."""
    variants = {BASELINE: Variant(BASELINE, {}), 'csre': Variant('csre', {})}
    for name, *options in given:
        taken = variants[name].options if name == 'csre' else name in variants
        if taken or '/' in name or '=' in name:
            raise InputError(f'--variant {name}: expected another name, then KEY=VALUE')
        if not options or not all('=' in option for option in options):
            raise InputError(f'--variant {name}: expected KEY=VALUE ... after the name')
        pairs = dict(option.split('=', 1) for option in options)
        try:
            variants[name] = Variant(name, {key: parse_value(pairs[key]) for key in pairs})
        except ValueError as error:
            raise InputError(f'--variant {name}: {error}') from error
    return list(variants.values())


def choose_variants(variants: Sequence[Variant], only: Sequence[str] | None) -> list[Variant]:
    """The variants to run now."""
    names = [variant.name for variant in variants]
    unknown = [name for name in only or () if name not in names]
    if unknown:
        raise InputError(f'--only {unknown[0]}: no such variant, there are {", ".join(names)}')
    return [variant for variant in variants if only is None or variant.name in only]


def read_weights(preset: str | None, streams: Sequence[str]) -> dict[str, float]:
    """Weights of the ensemble by stream."""
    if preset is None:
        return {}
    try:
        return dict(zip(streams, preset_weights(preset, streams), strict=True))
    except KeyError as error:
        raise InputError(f'--fuse {preset}: no such preset of tools/ensemble.py') from error


def read_samples(args: argparse.Namespace) -> tuple[str, dict[str, set[str]]]:
    """The split that the runs are tested on, and the names of the samples of each subset of it."""
    loader = 'train_dataloader' if args.folds else 'test_dataloader'
    tested = {}
    for config in args.configs:
        cfg = merge_options(read_config(str(config)), args.cfg_options)
        _, dataset = innermost_datasets(cfg, loader)[0]
        tested[dataset.ann_file, dataset.get('split')] = config
    if len(tested) > 1:
        first, second, *_ = tested.values()
        raise InputError(f'{first} and {second} test on different samples: call it for each')
    file, split = next(iter(tested))
    subsets = {name: set(read_labels(file, name)) for name in args.subsets}
    whole = set(read_labels(file, split)) if subsets else set()
    for name, samples in subsets.items():
        if not samples or not samples <= whole:
            raise InputError(f'--subsets {name}: it is empty, or no part of the split {split}')
    return split or 'all', subsets


def print_table(results: Results) -> None:
    """All rows, those of a set of samples together."""
    rows = summarise(results)
    for subset in (results.split, *results.subsets):
        for checkpoint in ('last', 'best'):
            chosen = [row for row in rows if (row.subset, row.checkpoint) == (subset, checkpoint)]
            count = int(results.mask(subset).sum())
            held_out = ', subjects held out' if results.held_out else ''
            note = ' (chosen on these samples)' if checkpoint == 'best' else ''
            print(f'\n{subset}, {count} samples{held_out}, {checkpoint} epoch{note}')
            print(format_table(HEADER, [say_row(row) for row in chosen], left=(0, 1, 2)))


@command
def main() -> None:
    """Run the benchmark."""
    args = parse_args()
    check_args(args)
    variants = read_variants(args.variant)
    read_weights(args.fuse, args.streams)
    planned = plan_runs(
        args.configs,
        variants,
        args.streams,
        args.seeds,
        epochs=args.epochs,
        num_folds=args.folds,
        options=args.cfg_options,
        folder=args.work_dir,
    )
    chosen = {variant.name for variant in choose_variants(variants, args.only)}
    runs = [run for run in planned if run.experiment.variant in chosen]
    if args.dry_run:
        for run in runs:
            print(shlex.join([*call_of('train.py'), *train_command(run, args.amp)[1:]]))
        return
    split, subsets = read_samples(args)
    for run in planned:
        if run.experiment.variant not in chosen:
            is_finished(run, args.amp)  # it is compared with, and refused if its settings differ
    out = None if args.fuse else args.out  # an ensemble needs the scores of its members
    recorded, done = read_recorded(out, planned, args.amp)
    planned = [run for run in planned if run.experiment not in done]
    executor = Executor(args.jobs, args.gpus, args.amp, CONSOLE.print)
    try:
        executor(runs, done)
    finally:  # an interrupted benchmark, too, tells what it has finished
        if recorded is not None or finished_experiments(planned):
            results = gather_results(
                planned,
                recorded,
                read_weights(args.fuse, args.streams),
                subsets,
                command=shlex.join([*call_of('benchmark_runs.py'), *sys.argv[1:]]),
                title=args.title or ', '.join(path.stem for path in args.configs),
                split=split,
                held_out=bool(args.folds),
                variants={
                    v.name: [f'{key}={value}' for key, value in v.options.items()] for v in variants
                },
            )
            if args.out is not None:
                check_kept(args.out, results)
                save_results(results, args.out)
            print_table(results)
            if args.out is not None:
                print(f'\nThe results are in {args.out}.')
    if executor.failed:
        raise InputError(f'{len(executor.failed)} of {len(runs)} runs failed, see above')


if __name__ == '__main__':
    main()
