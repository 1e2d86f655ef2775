"""Say how near the slots of a checkpoint's memory banks are to their classes."""

import csre_mm_cli  # noqa: F401  first: Ctrl-C during the other imports is one line

import argparse
from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from mmengine.config import Config

import csre_mm  # noqa: F401  repairs the stack before anything else of it is imported
from csre_mm.apis import SkeletonInferencer, extract_features, load_stfd
from csre_mm.apis.data_settings import read_config_of
from csre_mm.apis.features import find_samples
from csre_mm.evaluation.bank_health import BANKS, ClassSlots, describe_classes, load_banks
from csre_mm.utils.checkpoints import read_state_dict
from csre_mm.utils.cli import add_class_names, add_config_options, command, progress
from csre_mm.utils.errors import InputError
from csre_mm.utils.tables import format_table, percent

EPILOG = """\
to own, to nearest: mean cosine of the slots of a class to its centroid, and to the nearest other
centroid. misassigned: fraction of the slots that are nearer to the centroid of another class.
to fresh (with --fresh): mean cosine of a slot to the feature that the model gives the same training
sample now, without augmentation and dropout. A slot is up to an epoch old.

example:
  python tools/analysis/bank.py configs/csre_ctrgcn_nwucla.py epoch_65.pth --fresh
"""


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file with banks')
    parser.add_argument(
        '--fresh', action='store_true', help='compare with the features that the model gives now'
    )
    add_class_names(parser)
    parser.add_argument('--device', default='cpu', help='cpu, cuda, cuda:1, ... (default: cpu)')
    add_config_options(parser, 'change the config, as for tools/test.py')
    return parser.parse_args()


def compute_fresh(
    cfg: Config, state: dict[str, torch.Tensor], inferencer: SkeletonInferencer
) -> dict[str, np.ndarray]:
    """Features of the training samples, in the order of their slots, by kind (S, D)."""
    stfd = load_stfd(state)
    if stfd is None:
        raise InputError('the checkpoint has no neck of CSRE')
    stfd.to(next(inferencer.model.parameters()).device)
    samples = find_samples(cfg, 'train')
    features = extract_features(inferencer, stfd, samples, partial(progress, what='features'))
    repeated = cfg.train_dataloader.dataset
    times = repeated.times if repeated.type == 'SlotPerRepeatDataset' else 1
    return {kind: np.tile(features.kinds[kind], (times, 1)) for kind in BANKS.values()}


def print_bank(name: str, classes: Sequence[ClassSlots], names: Sequence[str], empty: int) -> None:
    """The table of a bank, and the means over its slots."""
    slots = sum(found.slots for found in classes)
    print(f'{name} bank: {slots} slots, and {empty} empty')
    rows = [
        [
            names[found.label],
            str(found.slots),
            f'{found.to_own:.3f}',
            names[found.nearest] if found.nearest >= 0 else '-',
            f'{found.to_nearest:.3f}',
            percent(found.misassigned),
            '-' if found.to_fresh is None else f'{found.to_fresh:.3f}',
        ]
        for found in classes
    ]
    rows.append(['all', str(slots), *mean_row(classes)])
    header = ['class', 'slots', 'to own', 'nearest', 'to nearest', 'misassigned %', 'to fresh']
    print(format_table(header, rows, left=(0, 3)))
    print()


def mean_row(classes: Sequence[ClassSlots]) -> list[str]:
    """Means over the slots of all classes, as the columns behind the number of slots."""

    def mean(values: Sequence[float]) -> float:
        return float(np.average(values, weights=[found.slots for found in classes]))

    fresh = [found.to_fresh for found in classes if found.to_fresh is not None]
    return [
        f'{mean([found.to_own for found in classes]):.3f}',
        '',
        f'{mean([found.to_nearest for found in classes]):.3f}',
        percent(mean([found.misassigned for found in classes])),
        f'{mean(fresh):.3f}' if fresh else '-',
    ]


@command
def main() -> None:
    """Describe the banks."""
    args = parse_args()
    cfg = read_config_of(args)
    state = read_state_dict(args.checkpoint)
    banks = load_banks(state)
    inferencer = SkeletonInferencer(cfg, args.checkpoint, args.device, args.classes)
    fresh = compute_fresh(cfg, state, inferencer) if args.fresh else {}
    for name, bank in banks.items():
        now = fresh.get(BANKS[name])
        if now is not None and len(now) != len(bank.labels):
            raise InputError(
                f'the {name} bank has {len(bank.labels)} slots, with the training set of the '
                f'config it would have {len(now)}'
            )
        classes = describe_classes(bank, now)
        if not classes:
            raise InputError(f'all slots of the {name} bank are empty')
        empty = int((bank.labels < 0).sum())
        print_bank(name, classes, inferencer.class_names, empty)


if __name__ == '__main__':
    main()
