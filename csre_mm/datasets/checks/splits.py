"""The splits of an annotation file: their members, and which are for training and testing."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from csre_mm.datasets.checks.samples import Finding, SampleFacts
from csre_mm.utils.plain_values import brief

Splits = dict[str, list[str]]
_TRAIN = re.compile(r'train(ing)?', re.IGNORECASE)


def read_splits(
    split: Mapping[Any, Any], names: Mapping[str, SampleFacts]
) -> tuple[Splits, list[Finding]]:
    """For each split the names of samples, each once; and what is wrong with the other members."""
    splits: Splits = {}
    findings = []
    for key, members in split.items():
        field = f'split {brief(key)}'
        if not isinstance(members, list | tuple | set | frozenset):
            found = f'is a {type(members).__name__}'
            findings.append(Finding('error', 'splits', None, field, found, 'a list of frame_dirs'))
            continue
        counts = Counter(member if isinstance(member, str) else brief(member) for member in members)
        splits[str(key)] = [member for member in counts if member in names]
        if not counts:
            findings.append(Finding('warning', 'splits', None, field, 'is empty', 'samples'))
        for member, count in counts.items():
            if member not in names:
                found, expected = 'names it', 'the frame_dir of an annotation'
                findings.append(Finding('warning', 'splits', member, field, found, expected))
            elif count > 1:
                found = f'names it {count} times'
                findings.append(Finding('warning', 'splits', member, field, found, 'each once'))
    return splits, findings


def split_pairs(names: Iterable[str]) -> list[tuple[str, str]]:
    """Find pairs of a training split and a test split by name.

    A split with 'train' in its name is a training split; the text before and after that is its
    protocol. Another split belongs to the longest protocol that its name has: ``xsub_val`` to
    ``xsub_train`` and not to ``xview_train``, ``val_clean`` to ``train``. A split that has none
    belongs to the training split only if there is a single one.
    """
    names = list(names)
    protocols = {}
    for name in names:
        found = _TRAIN.search(name)
        if found:
            protocols[name] = name[: found.start()], name[found.end() :]
    pairs = []
    for name in names:
        if name in protocols:
            continue
        fitting = {
            train: len(before) + len(after)
            for train, (before, after) in protocols.items()
            if name.startswith(before) and name.endswith(after)
        }
        if not fitting and len(protocols) == 1:
            fitting = dict.fromkeys(protocols, 0)
        longest = max(fitting.values(), default=0)
        pairs += [(train, name) for train, length in fitting.items() if length == longest]
    return pairs
