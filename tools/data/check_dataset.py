"""Find what is wrong with an annotation file before it costs a training run."""

import csre_mm_cli  # noqa: F401  first: Ctrl-C during the other imports is one line

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from functools import partial
from itertools import groupby

from csre_mm.apis.data_settings import read_config_of
from csre_mm.datasets.annotations import load_annotations
from csre_mm.datasets.checks import Finding, check_dataset, read_plan
from csre_mm.utils.cli import add_config_options, command, progress
from csre_mm.utils.errors import InputError

EPILOG = """An error ends a run or makes its result worthless, a warning makes the result worse. The
exit status is 0 if nothing was found, and 2 otherwise.

Without --config, each split with 'train' in its name is compared with the splits of its
protocol: xsub_train with xsub_val, not with xview_val; train with val and val_clean.
With --config, the split of train_dataloader is compared with the split of test_dataloader
alone, and classes, joints, channels and persons with the model's; the file is FILE,
whatever the config reads.

examples:
  python tools/data/check_dataset.py data/skeleton/nw_ucla.pkl
  python tools/data/check_dataset.py data/skeleton/nw_ucla.pkl \\
      --config configs/csre_ctrgcn_nwucla.py \\
      --cfg-options test_dataloader.dataset.split=val_clean"""


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, epilog=EPILOG
    )
    parser.add_argument('file', metavar='FILE', help='annotation pickle')
    parser.add_argument('--config', help='config that will train and test with the file')
    add_config_options(parser, 'change the config, as for tools/train.py')
    parser.add_argument(
        '--max-findings',
        type=int,
        default=20,
        metavar='N',
        help='findings of a kind to print (default: 20)',
    )
    args = parser.parse_args()
    if args.max_findings < 1:
        parser.error(f'--max-findings is {args.max_findings}, expected at least 1')
    if args.cfg_options and not args.config:
        parser.error('--cfg-options changes the config: it needs --config')
    return args


def print_findings(findings: Sequence[Finding], most: int) -> None:
    """Print findings by their kind, errors first; of each kind at most ``most``."""

    def group(finding: Finding) -> tuple[str, str]:
        return finding.severity, finding.kind

    for (severity, kind), same in groupby(sorted(findings, key=group), key=group):
        members = list(same)
        print(f'{severity}: {kind} ({len(members):,})')
        for finding in members[:most]:
            print(f'  {finding}')
        if len(members) > most:
            print(f'  ... and {len(members) - most:,} more')


@command
def main() -> None:
    """Load, check, print."""
    args = parse_args()
    plan = None
    if args.config:
        plan = read_plan(read_config_of(args))
    data = load_annotations(args.file)
    report = check_dataset(data, plan, partial(progress, what='checking'))
    print_findings(report.findings, args.max_findings)
    for line in report.counts():
        print(line)
    if report.findings:
        count = Counter(finding.severity for finding in report.findings)
        line = f'{args.file}: errors: {count["error"]:,}, warnings: {count["warning"]:,}'
        if count['error']:
            raise InputError(line)
        sys.stderr.write(f'check_dataset.py: {line}\n')
        sys.exit(2)
    print(f'{args.file}: nothing found')


if __name__ == '__main__':
    main()
