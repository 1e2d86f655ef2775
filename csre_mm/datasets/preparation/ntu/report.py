"""A report on the conversion of NTU RGB+D: counts, and the names of the files behind them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from csre_mm.datasets.preparation.ntu.convert import Outcome
from csre_mm.datasets.preparation.ntu.raw import NO_BODY, REASONS
from csre_mm.datasets.preparation.ntu.splits import NTUBenchmark, files_of_class, parse_name
from csre_mm.utils.errors import InputError, printable

CLASSES_PER_ROW = 4
NAMES_SHOWN = 2
NUMBERS = ('here', 'full data set', 'difference', 'files', 'number', 'in files')
"""Columns of the printed tables that are aligned to the right."""


def make_report(
    outcomes: Sequence[Outcome],
    ignored: Sequence[str],
    num_other: int,
    splits: dict[str, list[str]],
    benchmark: NTUBenchmark,
) -> dict[str, Any]:
    """Count files, samples, classes, reasons and notes.

    Args:
        outcomes: Of all files that were read.
        ignored: The names of those left out by request.
        num_other: Files of another data set.
        splits: The names of the samples of each split.
        benchmark: The data set, for the known counts.

    Returns:
        Plain containers: ``files`` (``missing`` are those ignored or without a body), ``ignored``,
        ``other_dataset``, ``frames``, ``persons``, ``splits``, ``classes`` (``A001``, ...),
        ``rejected`` (by reason) and ``notes`` (what is unusual about the samples). ``full`` is the
        known count of the full data set.
    """
    samples = [outcome for outcome in outcomes if outcome.reason is None]
    persons = Counter(outcome.num_persons for outcome in samples)
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
            samples=dict(here=len(samples), full=full - missing),
        ),
        ignored=len(ignored),
        other_dataset=num_other,
        frames=sum(outcome.num_frames for outcome in samples),
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
        notes=_group_notes(samples),
    )


def _count_classes(
    outcomes: Sequence[Outcome], ignored: Sequence[str], benchmark: NTUBenchmark
) -> dict[str, dict[str, int]]:
    """The number of samples, rejected and ignored files of each class."""
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


def _group_notes(samples: Sequence[Outcome]) -> dict[str, dict[str, Any]]:
    """The total of each note and the files that have it."""
    groups: dict[str, dict[str, Any]] = {}
    for outcome in samples:
        for note, number in outcome.notes.items():
            group = groups.setdefault(note, dict(files=0, total=0, names=[]))
            group['files'] += 1
            group['total'] += number
            group['names'].append(outcome.name)
    return {note: groups[note] for note in sorted(groups)}


def make_tables(report: dict[str, Any]) -> list[Table]:
    """The report of :func:`make_report` as tables, with the first names only."""
    counts = ['here', 'full data set', 'difference']
    classes = [
        (name, f'{n["samples"]} / {n["full_files"]}') for name, n in report['classes'].items()
    ]
    num_rows = -(-len(classes) // CLASSES_PER_ROW)
    return [
        _table('files', ['', *counts], map(_compare, report['files'].items())),
        _table('samples', ['', *counts], map(_compare, report['splits'].items())),
        _table(
            'samples / raw files of the full data set',
            ['class', 'samples'] * CLASSES_PER_ROW,
            ([text for pair in classes[row::num_rows] for text in pair] for row in range(num_rows)),
        ),
        _table(
            'files without a sample',
            ['reason', 'meaning', 'files', 'such as'],
            (
                [reason, group['meaning'], f'{group["count"]:,}', _first(group['files'])]
                for reason, group in report['rejected'].items()
            ),
        ),
        _table(
            'unusual in the samples',
            ['what', 'number', 'in files', 'such as'],
            (
                [note, f'{group["total"]:,}', f'{group["files"]:,}', _first(group['names'])]
                for note, group in report['notes'].items()
            ),
        ),
    ]


def _table(title: str, headings: Sequence[str], rows: Iterable[Sequence[str | Text]]) -> Table:
    table = Table(title=title, title_justify='left')
    for heading in headings:
        table.add_column(
            heading, justify='right' if heading in NUMBERS else 'left', overflow='fold'
        )
    for row in rows:
        table.add_row(*row)
    return table


def _compare(item: tuple[str, dict[str, int]]) -> list[str]:
    """A row with a count of the files and that of the full data set."""
    name, counts = item
    here, full = counts['here'], counts['full']
    return [name, f'{here:,}', f'{full:,}', f'{here - full:+,}' if here != full else '0']


def _first(names: Iterable[str]) -> Text:
    """The first names, one per line; a text, so that brackets in them are no markup."""
    names = [printable(name) for name in names]
    more = ['...'] if len(names) > NAMES_SHOWN else []
    return Text('\n'.join([*names[:NAMES_SHOWN], *more]))
