"""A report on training runs."""

import tempfile
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from pathlib import Path

from mmaction.registry import MODELS
from mmengine.registry import init_default_scope

from csre_mm.apis.cost import measure_test
from csre_mm.apis.recognizer import baseline_model, example_clips
from csre_mm.datasets.class_names import find_class_names
from csre_mm.evaluation.changes import find_changes
from csre_mm.evaluation.comparison import compare
from csre_mm.evaluation.confusion import (
    accuracy,
    matrix_of,
    mean_class_accuracy,
    most_confused_pairs,
)
from csre_mm.evaluation.significance import say_verdict
from csre_mm.utils.config import build
from csre_mm.utils.errors import InputError
from csre_mm.utils.machine import describe_commit, describe_machine
from csre_mm.utils.registered_types import check_types, registered_only
from csre_mm.utils.tables import percent
from csre_mm.version import __version__
from csre_mm.visualization.comparison_figure import draw_class_gains, draw_pair_changes
from csre_mm.visualization.confusion_figure import draw_confusion
from csre_mm.visualization.curves_figure import draw_curves
from csre_mm.visualization.report_page import Page
from csre_mm.visualization.run_folder import (
    BANK_HEADER,
    SUMMARY_HEADER,
    RunFolder,
    bank_notes,
    bank_rows,
    settings_of,
    summary_row,
)

MOST_PAIRS = 10  # pairs of confused classes that are listed


class Report(Page):
    """A page on training runs.

    Args:
        runs: The baseline first.
        title: Of the page.
        classes: Names of the classes, as ``--classes`` takes them.

    Example:
        >>> report = Report([gather_run('ours', 'run')], 'Our run')
        >>> for section in report.sections():
        ...     section()
        >>> 'Our run' in report.html()
        True
    """

    def __init__(self, runs: Sequence[RunFolder], title: str, classes: str | None = None) -> None:
        super().__init__(title)
        self.runs, self.classes = runs, classes
        commit = describe_commit()
        self.paragraph(
            f'Written on {datetime.now(timezone.utc):%Y-%m-%d at %H:%M} UTC by csre_mm '
            f'{__version__}{f", commit {commit}" if commit else ""}, on {describe_machine()}.',
            note=True,
        )

    def sections(self) -> list[Callable[[], None]]:
        """What writes the sections, in their order."""
        return [
            *(self.summary, self.comparisons, self.training, self.confusions),
            *(self.costs, self.images, self.settings),
        ]

    def draw(self, caption: str, draw: Callable, *arguments: object, **options: object) -> None:
        """Add the figure that ``draw`` writes to its argument ``path``."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / 'figure.svg'
            draw(*arguments, path=path, **options)
            self.figure(path, caption, large=draw is draw_curves)

    def names(self, run: RunFolder, num_classes: int) -> list[str]:
        """Names of the classes of a run."""
        own = (run.cfg.get('data') or {}).get('class_names') if run.cfg else None
        data = settings_of(run).get('test data', '')
        if isinstance(own, str) and Path(own).suffix == '.py':
            own = None  # a config, which would be run
        return find_class_names(self.classes or own, num_classes, data)

    def summary(self) -> None:
        """The runs, their scores, and what is missing."""
        self.heading('Summary')
        self.table(SUMMARY_HEADER, [summary_row(run) for run in self.runs])
        rows, notes = [], []
        for run in self.runs:
            for file, scores in run.scores.items():
                matrix = matrix_of(scores)
                numbers = accuracy(matrix), mean_class_accuracy(matrix)
                samples = f'{len(scores.names):,}'
                rows.append([f'{run.name}: {file}', samples, *map(percent, numbers)])
            found = run.missing + (run.log.notes if run.log else [])
            notes += [f'{run.name}: {note}' for note in found] + bank_notes(run)
        if rows:
            self.heading('Tests', 3)
            self.table(['scores', 'samples', 'top-1 %', 'mean class %'], rows)
        if notes:
            self.items(notes)

    def comparisons(self) -> None:
        """Each run against the first, on the scores of the same name."""
        first = self.runs[0]
        for run in self.runs[1:]:
            for file in sorted(first.scores.keys() & run.scores.keys()):
                self.heading(f'{run.name} against {first.name} ({file})')
                try:
                    self._compare(first, run, file)
                except InputError as error:
                    self.paragraph(f'They cannot be compared: {error}', note=True)

    def _compare(self, first: RunFolder, run: RunFolder, file: str) -> None:
        before, after = {first.name: first.scores[file]}, {run.name: run.scores[file]}
        comparison = compare(before, after)
        found = find_changes(comparison)
        change = found.difference
        low, high = (percent(end, signed=True) for end in change.interval[:2])
        row = [
            f'{len(comparison.names):,} samples',
            *(percent(change.before[0]), percent(change.after[0])),
            *(percent(change.mean, signed=True), f'{low} to {high}'),
            f'{change.tests[0].p_value:.2g}',
        ]
        header = ['top-1 %', first.name, run.name, 'change', '95 % interval', 'McNemar p']
        self.table(header, [row])
        self.paragraph(say_verdict(change, first.name, run.name))
        self.paragraph(
            f'{len(found.gained)} samples are right in {run.name} only, {len(found.lost)} in '
            f'{first.name} only.'
        )
        names, models = self.names(run, comparison.num_classes), (first.name, run.name)
        caption = f'Change of the accuracy of each class, {first.name} to {run.name}'
        self.draw(caption, draw_class_gains, found.classes, names)
        if found.pairs:
            caption = 'Samples of two classes misclassified as each other'
            self.draw(caption, draw_pair_changes, found.pairs[:MOST_PAIRS], names, models=models)

    def training(self) -> None:
        """Curves, a figure for the runs that count in the same unit, and the banks."""
        logs = {run.name: run.log for run in self.runs if run.log is not None}
        for unit in dict.fromkeys(log.unit for log in logs.values()):
            of_unit = {name: log for name, log in logs.items() if log.unit == unit}
            self.heading('Training')
            caption = 'Losses, accuracies, similarities and banks over the training'
            self.draw(caption, draw_curves, of_unit, width='page')
        rows = [row for run in self.runs for row in bank_rows(run)]
        if rows:
            self.heading('Memory banks')
            self.table(BANK_HEADER, rows)
            self.paragraph(
                'Slots are of the newest checkpoint, the rest are the last values of the log.',
                note=True,
            )

    def confusions(self) -> None:
        """A matrix for each score file, and the pairs that it confuses most."""
        rows: list[list[str]] = []
        for run in self.runs:
            for file, scores in run.scores.items():
                if not rows:
                    self.heading('Confusion')
                matrix = matrix_of(scores)
                names = self.names(run, len(matrix))
                caption = f'Confusion of {run.name} ({file}), in per cent of each class'
                self.draw(caption, draw_confusion, {run.name: matrix}, names)
                for a, b in most_confused_pairs(matrix, MOST_PAIRS):
                    pair = f'{names[a]} / {names[b]}'
                    counts = str(matrix[a, b]), str(matrix[b, a])
                    rows.append([f'{run.name}: {file}', pair, *counts])
        if rows:
            self.table(['scores', 'pair', 'first as second', 'second as first'], rows)

    def costs(self) -> None:
        """Parameters, and multiply-adds of testing."""
        rows = []
        for run in self.runs:
            if run.cfg is None:
                continue
            init_default_scope('mmaction')
            try:
                check_types({'model': run.cfg.model.to_dict()}, run.name)
                with registered_only():
                    model = build(MODELS.build, baseline_model(run.cfg)).eval()
                    whole = build(MODELS.build, run.cfg.model)
                cost = measure_test(model, example_clips(model, run.cfg, 1))
            except InputError as error:
                self.paragraph(f'{run.name}: no costs: {error}', note=True)
                continue
            trained = sum(parameter.numel() for parameter in whole.parameters())
            tested = sum(cost.parameters.values())
            macs = f'{sum(cost.macs.values()) / 1e6:,.1f}'
            rows.append([run.name, f'{tested:,}', f'{trained - tested:,}', macs])
        if rows:
            self.heading('Cost')
            header = ['run', 'parameters', 'more in training', 'million MACs of a test clip']
            self.table(header, rows)

    def images(self) -> None:
        """Images in the folders."""
        if any(run.images for run in self.runs):
            self.heading('Images in the folders')
        for run in self.runs:
            for path in run.images:
                self.figure(path, f'{run.name}: {path.name}')

    def settings(self) -> None:
        """Settings that explain a result, side by side, and the whole configs."""
        found = {run.name: settings_of(run) for run in self.runs if run.cfg is not None}
        if found:
            self.heading('Settings')
            keys = dict.fromkeys(key for own in found.values() for key in own)
            rows = [[key, *(own.get(key, '-') for own in found.values())] for key in keys]
            self.table(['setting', *found], rows, texts=True)
        for run in self.runs:
            if run.cfg is not None:
                self.folded(f'The whole config of {run.name}', run.cfg.pretty_text)
