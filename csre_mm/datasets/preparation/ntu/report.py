"""A report on the conversion of NTU RGB+D: counts, and the names of the files behind them."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from csre_mm.datasets.preparation.ntu.convert import Outcome
from csre_mm.datasets.preparation.ntu.raw import NO_BODY, REASONS
from csre_mm.datasets.preparation.ntu.splits import NTUBenchmark, files_of_class, parse_name
from csre_mm.utils.errors import InputError


def make_report(
    outcomes: Sequence[Outcome],
    ignored: Sequence[str],
    num_other: int,
    splits: dict[str, list[str]],
    benchmark: NTUBenchmark,
) -> dict[str, Any]:
    """Count files, samples, classes, reasons and notes.

    ``outcomes`` are of all files that were read, ``ignored`` the names of those left out by
    request, ``num_other`` files of another data set.

    Returns:
        Plain containers: ``files`` (``missing`` are those ignored or without a body), ``ignored``,
        ``other_dataset``, ``frames``, ``persons``, ``splits``, ``classes`` (``A001``, ...),
        ``rejected`` (by reason) and ``notes``. ``full`` is the known count of the full data set.
    """
    shapes = [one.annotation['keypoint'].shape for one in outcomes if one.annotation is not None]
    persons = Counter(shape[0] for shape in shapes)
    without_skeleton = sum(outcome.reason == NO_BODY for outcome in outcomes) + len(ignored)
    full, missing = benchmark.num_files, benchmark.num_missing
    rejected = {
        reason: {outcome.name: outcome.message for outcome in outcomes if outcome.reason == reason}
        for reason in REASONS
    }
    return dict(
        files=dict(
            found=dict(here=len(outcomes) + len(ignored), full=full),
            missing=dict(here=without_skeleton, full=missing),
            samples=dict(here=len(shapes), full=full - missing),
        ),
        ignored=len(ignored),
        other_dataset=num_other,
        frames=sum(shape[1] for shape in shapes),
        persons={str(number): persons[number] for number in sorted(persons)},
        splits={
            split: dict(here=len(names), full=benchmark.sizes[split])
            for split, names in splits.items()
        },
        classes=_count_classes(outcomes, ignored, benchmark),
        rejected={
            reason: dict(count=len(files), meaning=REASONS[reason], files=files)
            for reason, files in rejected.items()
        },
        notes=_group_notes(outcomes),
    )


def _count_classes(
    outcomes: Sequence[Outcome], ignored: Sequence[str], benchmark: NTUBenchmark
) -> dict[str, dict[str, int]]:
    classes = {
        f'A{action:03d}': dict(samples=0, rejected=0, ignored=0, full_files=files_of_class(action))
        for action in range(1, benchmark.num_classes + 1)
    }
    groups = [(outcome.name, 'rejected' if outcome.reason else 'samples') for outcome in outcomes]
    for name, group in [*groups, *((name, 'ignored') for name in ignored)]:
        try:
            action = parse_name(name).action
        except InputError:  # a bad name: of no class
            continue
        classes[f'A{action:03d}'][group] += 1
    return classes


def _group_notes(outcomes: Sequence[Outcome]) -> dict[str, dict[str, Any]]:
    """The total of each note and the files that have it."""
    groups: dict[str, dict[str, Any]] = {}
    for outcome in outcomes:
        for note, number in outcome.notes.items():
            group = groups.setdefault(note, dict(files=0, total=0, names=[]))
            group['files'] += 1
            group['total'] += number
            group['names'].append(outcome.name)
    return {note: groups[note] for note in sorted(groups)}
