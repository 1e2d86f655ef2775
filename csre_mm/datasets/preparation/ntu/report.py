"""What became of the raw files of NTU RGB+D: counts, and the names behind them."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from csre_mm.datasets.preparation.ntu.parts import Outcome
from csre_mm.datasets.preparation.ntu.rejection import NO_BODY, REASONS
from csre_mm.datasets.preparation.ntu.splits import NTUBenchmark, files_of_class, parse_name
from csre_mm.datasets.preparation.raw_files import printable
from csre_mm.utils.errors import InputError

CLASSES_BESIDE = 4
"""Classes in a row of the printed table."""
NAMES_SHOWN = 2


def make_report(
    outcomes: Sequence[Outcome],
    ignored: Sequence[str],
    num_other: int,
    splits: dict[str, list[str]],
    benchmark: NTUBenchmark,
) -> dict[str, Any]:
    """Count.

    Args:
        outcomes: Of all files that were read.
        ignored: The names of those left out by request.
        num_other: Files of another data set.
        splits: The names of the samples of each split.
        benchmark: The data set, for the known counts.

    Returns:
        Plain containers: ``files`` (``missing`` are those ignored or without a body), ``ignored``,
        ``other_dataset``, ``frames``, ``persons``, ``splits``, ``classes`` (``A001``, ...),
        ``rejected`` (by reason) and ``notes`` (what was met and dealt with). ``full`` is the known
        count of the full data set.
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
    """For each class, what became of its files."""
    classes = {
        f'A{action:03d}': dict(samples=0, rejected=0, ignored=0, full_files=files_of_class(action))
        for action in range(1, benchmark.num_classes + 1)
    }
    fates = [(outcome.name, 'rejected' if outcome.reason else 'samples') for outcome in outcomes]
    for name, fate in [*fates, *((name, 'ignored') for name in ignored)]:
        try:
            action = parse_name(name).action
        except InputError:  # a bad name: of no class
            continue
        classes[f'A{action:03d}'][fate] += 1
    return classes


def _group_notes(samples: Sequence[Outcome]) -> dict[str, dict[str, Any]]:
    """What was met in the files that gave a sample: how often, in which files."""
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
    return [
        _known_table('files', report['files']),
        _known_table('samples', report['splits']),
        _class_table(report['classes']),
        _rejected_table(report['rejected']),
        _notes_table(report['notes']),
    ]


def _table(title: str, words: Sequence[str], numbers: Sequence[str]) -> Table:
    table = Table(title=title, title_justify='left')
    for heading in words:
        table.add_column(heading, overflow='fold')
    for heading in numbers:
        table.add_column(heading, justify='right')
    return table


def _known_table(title: str, rows: dict[str, dict[str, int]]) -> Table:
    table = _table(title, [''], ['here', 'full data set', 'difference'])
    for name, counts in rows.items():
        here, full = counts['here'], counts['full']
        table.add_row(name, f'{here:,}', f'{full:,}', f'{here - full:+,}' if here != full else '0')
    return table


def _class_table(classes: dict[str, dict[str, int]]) -> Table:
    headings = ('class', 'samples') * CLASSES_BESIDE
    table = Table(*headings, title='samples / raw files of the full data set', title_justify='left')
    cells = [(name, f'{n["samples"]} / {n["full_files"]}') for name, n in classes.items()]
    num_rows = -(-len(cells) // CLASSES_BESIDE)
    for row in range(num_rows):
        table.add_row(*(text for cell in cells[row::num_rows] for text in cell))
    return table


def _rejected_table(rejected: dict[str, dict[str, Any]]) -> Table:
    table = _table('files without a sample', ['reason', 'meaning'], ['files'])
    table.add_column('such as', overflow='fold')
    for reason, group in rejected.items():
        names = [printable(name) for name in group['files']]
        table.add_row(reason, group['meaning'], f'{group["count"]:,}', _first(names))
    return table


def _notes_table(notes: dict[str, dict[str, Any]]) -> Table:
    table = _table('met in the samples', ['what'], ['number', 'in files'])
    table.add_column('such as', overflow='fold')
    for note, group in notes.items():
        table.add_row(note, f'{group["total"]:,}', f'{group["files"]:,}', _first(group['names']))
    return table


def _first(names: Sequence[str]) -> Text:
    """Some names, one a line; a text, so that brackets in them are no markup."""
    more = ['...'] if len(names) > NAMES_SHOWN else []
    return Text('\n'.join([*names[:NAMES_SHOWN], *more]))
