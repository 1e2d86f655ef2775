"""Names and official splits of NTU RGB+D 60 and 120.

Shahroudy et al., "NTU RGB+D: a large scale dataset for 3D human activity analysis", CVPR 2016; Liu
et al., "NTU RGB+D 120", TPAMI 2019.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from csre_mm.utils.errors import InputError

XSUB60_TRAIN_SUBJECTS = frozenset(
    (1, 2, 4, 5, 8, 9, 13, 14, 15, 16, 17, 18, 19, 25, 27, 28, 31, 34, 35, 38)
)
XSUB120_TRAIN_SUBJECTS = XSUB60_TRAIN_SUBJECTS.union(
    (45, 46, 47, 49, 50, 52, 53, 54, 55, 56, 57, 58, 59, 70, 74, 78, 80, 81, 82, 83, 84, 85, 86),
    (89, 91, 92, 93, 94, 95, 97, 98, 100, 103),
)
XVIEW_TRAIN_CAMERAS = frozenset((2, 3))
XSET_TRAIN_SETUPS = frozenset(range(2, 33, 2))
TWO_PERSON_ACTIONS = frozenset((*range(50, 61), *range(106, 121)))
"""The actions, counted from 1, of two persons."""


def files_of_class(action: int) -> int:
    """Raw files of an action in the full data set, those without a skeleton included."""
    return 948 if action <= 60 else 960


class SampleName(NamedTuple):
    """The numbers in a name, all from 1: ``S001C002P003R002A013``."""

    setup: int
    camera: int
    performer: int
    replication: int
    action: int


_LARGEST = SampleName(setup=32, camera=3, performer=106, replication=2, action=120)
_PATTERN = re.compile(r'S(\d{3})C(\d{3})P(\d{3})R(\d{3})A(\d{3})', re.ASCII)


def parse_name(name: str, where: str | None = None) -> SampleName:
    """Read the numbers in a sample's name; messages call the file ``where``, or else ``name``."""
    match = _PATTERN.fullmatch(name)
    if match is None:
        raise InputError(f'{where or name}: expected a name of the form SsssCcccPpppRrrrAaaa')
    sample = SampleName(*map(int, match.groups()))
    for field, value, largest in zip(sample._fields, sample, _LARGEST, strict=True):
        if not 1 <= value <= largest:
            raise InputError(f'{where or name}: {field} is {value}, expected 1 to {largest}')
    return sample


@dataclass(frozen=True)
class NTUBenchmark:
    """NTU RGB+D 60 or 120."""

    num_classes: int
    num_setups: int
    train: dict[str, Callable[[SampleName], bool]]  # for each protocol (``xsub``, ...)
    sizes: dict[str, int]  # of the splits, as published
    num_files: int
    num_missing: int  # files without a skeleton

    def contains(self, sample: SampleName) -> bool:
        """Whether the sample belongs to the data set."""
        return sample.action <= self.num_classes and sample.setup <= self.num_setups

    def make_splits(self, names: Iterable[str]) -> dict[str, list[str]]:
        """Sort samples, all of them of the data set, into the splits, keeping their order."""
        splits: dict[str, list[str]] = {split: [] for split in self.sizes}
        for name in names:
            for protocol, is_train in self.train.items():
                part = 'train' if is_train(parse_name(name)) else 'val'
                splits[f'{protocol}_{part}'].append(name)
        return splits


BENCHMARKS = {
    'ntu60': NTUBenchmark(
        num_classes=60,
        num_setups=17,
        train={
            'xsub': lambda sample: sample.performer in XSUB60_TRAIN_SUBJECTS,
            'xview': lambda sample: sample.camera in XVIEW_TRAIN_CAMERAS,
        },
        sizes=dict(xsub_train=40091, xsub_val=16487, xview_train=37646, xview_val=18932),
        num_files=56880,
        num_missing=302,
    ),
    'ntu120': NTUBenchmark(
        num_classes=120,
        num_setups=32,
        train={
            'xsub': lambda sample: sample.performer in XSUB120_TRAIN_SUBJECTS,
            'xset': lambda sample: sample.setup in XSET_TRAIN_SETUPS,
        },
        sizes=dict(xsub_train=63026, xsub_val=50919, xset_train=54468, xset_val=59477),
        num_files=114480,
        num_missing=535,
    ),
}
