"""Splits: their members, and what training and test share."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from csre_mm.datasets.checks.samples import Finding, SampleFacts, Severity
from csre_mm.datasets.plain_values import brief

Splits = dict[str, list[str]]
_TRAIN = re.compile(r'train(ing)?', re.IGNORECASE)


def read_splits(
    split: Mapping[Any, Any], names: Mapping[str, SampleFacts]
) -> tuple[Splits, list[Finding]]:
    """Take what can be used from ``split``.

    Args:
        split: Of the annotation file.
        names: The samples that there are.

    Returns:
        For each split the names that are there, each once; and what is wrong with the rest.
    """
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
    """Tell from the names of splits which ones train and which ones test what those trained.

    A split with 'train' in its name trains; what is before and after that is its protocol. Another
    split belongs to the longest protocol that its name has: ``xsub_val`` to ``xsub_train`` and not
    to ``xview_train``, ``val_clean`` to ``train``. One that has none belongs to a split that trains
    only if there is a single one.

    Returns:
        Pairs of a split that trains and one that tests.
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


def check_pair(
    train: str,
    test: str,
    splits: Splits,
    names: Mapping[str, SampleFacts],
    severity: Severity = 'warning',
) -> Iterator[Finding]:
    """Look for what a split that trains and one that tests share.

    Args:
        train: The one split.
        test: The other.
        splits: All of them.
        names: The samples.
        severity: Of samples whose coordinates are those of a training sample.
    """
    known = set(splits[train])
    digests = {names[name].digest: name for name in reversed(splits[train])}
    digests.pop(None, None)
    for name in splits[test]:
        other = digests.get(names[name].digest)
        if name in known:
            found = f'names it, as {brief(train)} does'
            field, expected = f'split {brief(test)}', 'samples that do not train'
            yield Finding('error', 'overlap', name, field, found, expected)
        elif other is not None:
            found = f'of {brief(test)} equals that of {brief(other)} of {brief(train)}'
            yield Finding(
                severity, 'copies', name, 'keypoint', found, 'other coordinates than in training'
            )


def check_classes(
    train: str,
    members: Iterable[str],
    names: Mapping[str, SampleFacts],
    classes: Iterable[int],
    num_positives: int = 1,
) -> Iterator[Finding]:
    """Look for classes with fewer training samples than the contrast needs, at least one.

    Args:
        train: Name of the split.
        members: Its samples.
        names: The samples by name.
        classes: The classes of which there should be samples.
        num_positives: Samples that give K+ slots, with the strict gate.
    """
    counts = Counter(names[name].label for name in members)
    field = f'split {brief(train)}'
    for label in classes:
        count = counts[label]
        if not count:
            found = f'has no sample of class {label}'
            yield Finding('warning', 'classes', None, field, found, 'samples of each class')
        elif count < num_positives:
            found = f'has {count} samples of class {label}'
            expected = f"{num_positives} for gate='strict', or gate='adaptive'"
            yield Finding('warning', 'classes', None, field, found, expected)
