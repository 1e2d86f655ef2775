"""Parameters and FLOPs of training and of testing, with CSRE and without."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

import csre_mm  # noqa: F401  repairs the stack before anything else of it is imported
from csre_mm.apis import CostReport, measure_costs, merge_options, read_config
from csre_mm.utils.cli import add_config_options, command
from csre_mm.utils.errors import InputError
from csre_mm.utils.files import atomic_path
from csre_mm.utils.tables import format_table

EPILOG = """\
The numbers are of one clip. A MAC is one multiply-add of a convolution or a matrix product, and two
FLOPs; papers on skeletons often print MACs under the name of FLOPs. Normalisations, activations and
sums are not counted.

examples:
  python tools/analysis/cost.py configs/csre_ctrgcn_ntu60.py
  python tools/analysis/cost.py configs/csre_ctrgcn_ntu60.py --slots 40091 --json cost.json
"""
PARTS = ('encoder', 'head', 'neck', 'contrast')


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='config file, with CSRE or without')
    parser.add_argument(
        '--slots',
        type=int,
        metavar='S',
        help='slots of a memory bank (default: samples of the training set, if its file is there)',
    )
    parser.add_argument('--json', type=Path, metavar='FILE', help='everything as numbers')
    add_config_options(parser, 'change the config, as for tools/train.py')
    args = parser.parse_args()
    if args.slots is not None and args.slots < 1:
        parser.error(f'--slots is {args.slots}, expected at least 1')
    return args


def make_table(report: CostReport) -> str:
    """A column a graph, a row a part."""
    costs = list(report.columns.values())
    parts = [part for part in PARTS if any(part in cost.macs for cost in costs)]
    rows = [['parameters', *(f'{sum(cost.parameters.values()):,}' for cost in costs)]]
    for part in parts:
        cells = [cost.parameters.get(part) for cost in costs]
        if any(cells):
            rows.append([f'  {part}', *('-' if cell is None else f'{cell:,}' for cell in cells)])
    rows.append(['forward, million MACs', *(_million(sum(cost.macs.values())) for cost in costs)])
    rows += [[f'  {part}', *(_million(cost.macs.get(part)) for cost in costs)] for part in parts]
    flops = [2 * sum(cost.macs.values()) for cost in costs]
    rows.append(['forward, million FLOPs', *map(_million, flops)])
    for unit, factor in (('MACs', 1), ('FLOPs', 2)):
        steps = [cost.step_macs and factor * cost.step_macs for cost in costs]
        rows.append([f'forward and backward, million {unit}', *map(_million, steps)])
    if any(cost.bank_bytes for cost in costs):
        memory = [cost.bank_bytes or None for cost in costs]
        rows.append(['memory banks, MB', *map(_million, memory)])
    return format_table(['one clip', *report.columns], rows)


def _million(number: int | None) -> str:
    return '-' if number is None else f'{number / 1e6:,.2f}'


def make_notes(report: CostReport) -> list[str]:
    """What the table does not say."""
    shapes = {name: cost.shape[1:] for name, cost in report.columns.items()}
    notes = [
        f'A clip is {shapes["baseline training"]} in training and {shapes["baseline test"]} in '
        'testing, as it reaches the encoder.',
        'One MAC is a multiply-add and two FLOPs. Papers often print MACs as FLOPs.',
    ]
    if report.clips > 1:
        notes.append(f'The testing pipeline makes {report.clips} clips of a sample.')
    if 'CSRE training' not in report.columns:
        notes.append('The config is without CSRE.')
    elif report.slots:
        notes.append(f'Banks of {report.slots:,} slots each ({report.slots_from}).')
    else:
        notes.append(f'The contrast is not counted: {report.slots_from}; give --slots.')
    return notes


@command
def main() -> None:
    """Count."""
    args = parse_args()
    if args.json is not None and args.json.suffix.lower() != '.json':
        raise InputError(f'--json {args.json}: the name must end in .json')
    cfg = merge_options(read_config(args.config), args.cfg_options)
    with Console(stderr=True).status('counting'):
        report = measure_costs(cfg, args.slots)
    print(make_table(report))
    print('\n' + '\n'.join(make_notes(report)))
    if args.json is not None:
        with atomic_path(args.json) as path:
            path.write_text(json.dumps({'config': args.config, **asdict(report)}, indent=1) + '\n')
        print(f'The numbers are in {args.json}.')


if __name__ == '__main__':
    main()
