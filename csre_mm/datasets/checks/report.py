"""The check of an annotation file, with or without a config."""

import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from csre_mm.datasets.checks.plan import TrainingPlan, check_plan
from csre_mm.datasets.checks.samples import (
    Finding,
    SampleFacts,
    Severity,
    check_consistency,
    inspect_sample,
)
from csre_mm.utils.plain_values import brief

WHOLE_FILE = 'the whole file'  # name of the split of a config that gives none
MAX_CLASSES = 10_000
"""A larger label is a mistake, and does not mean that there are so many classes."""

Splits = dict[str, list[str]]
_TRAIN = re.compile(r'train(ing)?', re.IGNORECASE)


@dataclass
class CheckReport:
    """The result of a check."""

    findings: list[Finding] = field(default_factory=list)  # in the order of the checks
    samples: list[SampleFacts] = field(default_factory=list)
    splits: Splits = field(default_factory=dict)  # the names of the samples in each
    pairs: list[tuple[str, str]] = field(default_factory=list)  # splits for training and testing

    def counts(self) -> Iterator[str]:
        """The counts, line by line."""
        shapes = np.array([sample.shape for sample in self.samples if sample.shape])  # (N, 4)
        yield f'{len(self.samples):,} samples'
        if len(shapes):
            words = ('persons', 'frames', 'joints', 'channels')
            ranges = zip(words, shapes.min(0).tolist(), shapes.max(0).tolist(), strict=True)
            yield '; '.join(f'{word}: {_range(low, high)}' for word, low, high in ranges)
        lost, of = (
            sum(getattr(s, key) for s in self.samples) for key in ('undetected', 'expected')
        )
        if lost:
            yield f'joints that were not detected: {100 * lost / of:.1f} %'
        labels = {sample.name: sample.label for sample in self.samples}
        splits: dict[str, list] = dict(self.splits)
        used = {member for members in splits.values() for member in members}
        if len(used) < len(labels):
            splits['in no split'] = [name for name in labels if name not in used]
        for name, members in splits.items():
            counts = Counter(labels[member] for member in members).values()
            of_each = f', {_range(min(counts), max(counts))} samples each' if counts else ''
            yield f'{name}: {len(members):,} samples, {len(counts)} classes{of_each}'
        for train, test in self.pairs:
            yield f'compared: {train} with {test}'


def _classes_of(labels: list[int]) -> str:
    if len(labels) == 1:
        return f'class {labels[0]}'
    shown = labels if len(labels) <= 8 else [*labels[:5], '...', labels[-1]]
    return f'{len(labels)} classes: {", ".join(map(str, shown))}'


def _range(low: int, high: int) -> str:
    return f'{low:,}' if low == high else f'{low:,} to {high:,}'


def check_dataset(
    data: dict[str, Any],
    plan: TrainingPlan | None = None,
    track: Callable[[list], Iterable] = iter,
) -> CheckReport:
    """Find everything in annotations that would break or spoil a training run.

    Args:
        data: What :func:`load_annotations` returns.
        plan: What a config expects. Without it the training and test splits are found by their
            names (:func:`split_pairs`), and classes, joints and persons are not checked.
        track: Wraps the list of annotations, for a progress bar.
    """
    report = CheckReport()
    for index, annotation in enumerate(track(data['annotations'])):
        facts, findings = inspect_sample(annotation, index)
        report.samples.append(facts)
        report.findings += findings
    report.findings += check_consistency(report.samples)
    names = {s.name: s for s in reversed(report.samples) if isinstance(s.name, str)}
    report.splits, findings = read_splits(data['split'], names)
    report.findings += findings
    splits = {**report.splits, WHOLE_FILE: list(names)}
    if plan is None:
        report.pairs = split_pairs(report.splits)
        trains = list(dict.fromkeys(train for train, _ in report.pairs)) or [WHOLE_FILE]
    else:
        trains, tests = _find_used(plan.train, report), _find_used(plan.test, report)
        report.pairs = list(itertools.product(trains, tests))
        used = {member for split in trains + tests for member in splits[split]}
        report.findings += check_plan([s for s in report.samples if s.name in used], plan)
    severity: Severity = 'error' if plan else 'warning'
    for train, test in report.pairs:
        members = [names[name] for name in splits[train]], [names[name] for name in splits[test]]
        report.findings += _check_pair(train, test, *members, severity)
    classes = _classes(report, plan)
    for train in trains:
        counts = Counter(names[name].label for name in splits[train])
        missing = [label for label in classes if not counts[label]]
        if missing:
            where, found = f'split {brief(train)}', f'has no sample of {_classes_of(missing)}'
            expected = 'samples of each class'
            report.findings.append(Finding('warning', 'classes', None, where, found, expected))
    return report


def _check_pair(
    train: str,
    test: str,
    train_samples: list[SampleFacts],
    test_samples: list[SampleFacts],
    severity: Severity,
) -> Iterator[Finding]:
    """Find test samples that are training samples, too, by name or by their coordinates."""
    known = {sample.name for sample in train_samples}
    copies = {sample.digest: sample.name for sample in reversed(train_samples) if sample.digest}
    for sample in test_samples:
        if sample.name in known:
            where, found = f'split {brief(test)}', f'names it, as {brief(train)} does'
            expected = 'samples that do not train'
            yield Finding('error', 'overlap', sample.name, where, found, expected)
        elif sample.digest in copies:
            copy = copies[sample.digest]
            found = f'of {brief(test)} equals that of {brief(copy)} of {brief(train)}'
            expected = 'other coordinates than in training'
            yield Finding(severity, 'copies', sample.name, 'keypoint', found, expected)


def _find_used(wanted: Iterable[str | None], report: CheckReport) -> list[str]:
    """The splits of a config; a missing one becomes a finding."""
    found = []
    for split in wanted:
        if split is None:
            found.append(WHOLE_FILE)
        elif split in report.splits:
            found.append(split)
        else:
            expected = f'one of {", ".join(sorted(report.splits)) or "none"}'
            report.findings.append(
                Finding('error', 'splits', None, f'split {brief(split)}', 'is missing', expected)
            )
    return found


def _classes(report: CheckReport, plan: TrainingPlan | None) -> range:
    if plan is not None and plan.num_classes is not None:
        return range(plan.num_classes)
    labels = {sample.label for sample in report.samples if sample.label is not None}
    if not labels:
        return range(0)
    first = 1 if min(labels) == 1 else 0  # labels from 1 are a separate finding
    return range(first, min(max(labels) + 1, MAX_CLASSES))


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
