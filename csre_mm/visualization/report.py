"""The sections of a report on training runs, written to a page."""

from collections.abc import Callable, Sequence
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
from csre_mm.utils.errors import InputError
from csre_mm.utils.tables import percent
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
    config_rows,
    summary_row,
)

MOST_PAIRS = 10
"""Pairs of confused classes that are listed."""


class Report:
    """Writes the sections of a report.

    Args:
        runs: The baseline first.
        title: Of the page.
        classes: Names of the classes, as ``--classes`` takes them.
        folder: For figures while the page is made.

    Attributes:
        page: The page that the sections are written to.

    Example:
        >>> report = Report([gather_run('ours', 'run')], 'Our run', None, Path('.'))
        >>> for section in report.sections():
        ...     section()
        >>> 'Our run' in report.page.html()
        True
    """

    def __init__(
        self, runs: Sequence[RunFolder], title: str, classes: str | None, folder: Path
    ) -> None:
        self.runs, self.classes, self.path = runs, classes, folder / 'figure.svg'
        self.page = Page(title)

    def sections(self) -> list[Callable[[], None]]:
        """What writes the sections, in their order."""
        return [
            self.summary,
            self.comparisons,
            self.training,
            self.confusions,
            self.costs,
            self.images,
            self.settings,
        ]

    def names(self, run: RunFolder, num_classes: int) -> list[str]:
        """Names of the classes of a run."""
        data = dict(config_rows(run)).get('test data', '')
        own = (run.cfg.get('data') or {}).get('class_names') if run.cfg else None
        return find_class_names(self.classes or own, num_classes, data)

    def summary(self) -> None:
        """The runs, their scores, and what is missing."""
        self.page.heading('Summary')
        self.page.table(SUMMARY_HEADER, [summary_row(run) for run in self.runs])
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
            self.page.heading('Tests', 3)
            self.page.table(['scores', 'samples', 'top-1 %', 'mean class %'], rows)
        if notes:
            self.page.items(notes)

    def comparisons(self) -> None:
        """Each run against the first, on the scores of the same name."""
        first = self.runs[0]
        for run in self.runs[1:]:
            for file in sorted(first.scores.keys() & run.scores.keys()):
                self.page.heading(f'{run.name} against {first.name} ({file})')
                try:
                    self._compare(first, run, file)
                except InputError as error:
                    self.page.paragraph(f'They cannot be compared: {error}', note=True)

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
        self.page.table(header, [row])
        self.page.paragraph(say_verdict(change, first.name, run.name))
        self.page.paragraph(
            f'{len(found.gained)} samples are right in {run.name} only, {len(found.lost)} in '
            f'{first.name} only.'
        )
        names, models = self.names(run, comparison.num_classes), (first.name, run.name)
        draw_class_gains(found.classes, names, self.path)
        caption = f'Change of the accuracy of each class, {first.name} to {run.name}'
        self.page.figure(self.path, caption)
        if found.pairs:
            draw_pair_changes(found.pairs[:MOST_PAIRS], names, self.path, models)
            self.page.figure(self.path, 'Samples of two classes misclassified as each other')

    def training(self) -> None:
        """Curves, a figure for the runs that count in the same unit, and the banks."""
        logs = {run.name: run.log for run in self.runs if run.log is not None}
        for unit in dict.fromkeys(log.unit for log in logs.values()):
            of_unit = {name: log for name, log in logs.items() if log.unit == unit}
            self.page.heading('Training')
            draw_curves(of_unit, self.path, width='page')
            caption = 'Losses, accuracies, similarities and banks over the training'
            self.page.figure(self.path, caption)
        rows = [row for run in self.runs for row in bank_rows(run)]
        if rows:
            self.page.heading('Memory banks')
            self.page.table(BANK_HEADER, rows)
            self.page.paragraph(
                'Slots are of the newest checkpoint, the rest are the last values of the log.',
                note=True,
            )

    def confusions(self) -> None:
        """A matrix for each score file, and the pairs that it confuses most."""
        for run in self.runs:
            for file, scores in run.scores.items():
                matrix = matrix_of(scores)
                names = self.names(run, len(matrix))
                self.page.heading(f'Confusion of {run.name} ({file})')
                draw_confusion({run.name: matrix}, names, self.path)
                self.page.figure(
                    self.path, f'Predictions of {run.name} for each class, in per cent'
                )
                rows = [
                    [f'{names[a]} / {names[b]}', str(matrix[a, b]), str(matrix[b, a])]
                    for a, b in most_confused_pairs(matrix, MOST_PAIRS)
                ]
                if rows:
                    self.page.table(['pair', 'first as second', 'second as first'], rows)

    def costs(self) -> None:
        """Parameters, and multiply-adds of testing."""
        rows = []
        for run in self.runs:
            if run.cfg is None:
                continue
            init_default_scope(run.cfg.get('default_scope', 'mmaction'))
            try:
                model = MODELS.build(baseline_model(run.cfg)).eval()
                cost = measure_test(model, example_clips(model, run.cfg, 1))
            except InputError as error:
                self.page.paragraph(f'{run.name}: no costs: {error}', note=True)
                continue
            trained = sum(p.numel() for p in MODELS.build(run.cfg.model).parameters())
            tested = sum(cost.parameters.values())
            macs = f'{sum(cost.macs.values()) / 1e6:,.1f}'
            rows.append([run.name, f'{tested:,}', f'{trained - tested:,}', macs])
        if rows:
            self.page.heading('Cost')
            header = ['run', 'parameters', 'more in training', 'million MACs of a test clip']
            self.page.table(header, rows)

    def images(self) -> None:
        """Images in the folders."""
        if any(run.images for run in self.runs):
            self.page.heading('Images in the folders')
        for run in self.runs:
            for path in run.images:
                self.page.figure(path, f'{run.name}: {path.name}')

    def settings(self) -> None:
        """Settings that explain a result, and the whole configs."""
        if any(run.cfg is not None for run in self.runs):
            self.page.heading('Settings')
        for run in self.runs:
            if run.cfg is not None:
                self.page.heading(run.name, 3)
                self.page.table(['key', 'value'], config_rows(run))
                self.page.folded('The whole config', run.cfg.pretty_text)
