"""Parameters and FLOPs of training and of testing, with CSRE and without."""

import csre_mm_cli  # noqa: F401  first: Ctrl-C during the other imports is one line

import argparse
from dataclasses import asdict
from pathlib import Path

import csre_mm  # noqa: F401  repairs the stack before anything else of it is imported
from csre_mm.apis.cost import CostReport, measure_costs
from csre_mm.apis.data_settings import read_config_of
from csre_mm.utils.cli import add_config_options, check_suffix, command, write_json
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
        help='slots of a memory bank (default: samples of the training set, if present)',
    )
    parser.add_argument('--json', type=Path, metavar='FILE', help='everything as numbers')
    add_config_options(parser, 'change the config, as for tools/train.py')
    args = parser.parse_args()
    if args.slots is not None and args.slots < 1:
        parser.error(f'--slots is {args.slots}, expected at least 1')
    return args


def make_table(report: CostReport) -> str:
    """A column per graph, a row per part."""
    costs = list(report.columns.values())
    parts = [part for part in PARTS if any(part in cost.macs for cost in costs)]
    rows = [['parameters', *(f'{sum(cost.parameters.values()):,}' for cost in costs)]]
    for part in parts:
        counts = [cost.parameters.get(part) for cost in costs]
        if any(counts):
            rows.append([f'  {part}', *('-' if n is None else f'{n:,}' for n in counts)])
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
    check_suffix('--json', args.json, '.json')
    report = measure_costs(read_config_of(args), args.slots)
    print(make_table(report))
    print('\n' + '\n'.join(make_notes(report)))
    if args.json is not None:
        write_json(args.json, {'config': args.config, **asdict(report)})


if __name__ == '__main__':
    main()
