"""Curves of training runs as one figure: a panel per quantity, a colour per run."""

import math
import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from csre_mm.evaluation.training_log import Run, smooth
from csre_mm.utils.errors import InputError
from csre_mm.visualization.figures import (
    COLOURS,
    COLUMN_WIDTH,
    PAGE_WIDTH,
    open_axes,
    paper_figure,
    shorten,
)

WIDTHS = {'column': COLUMN_WIDTH, 'page': PAGE_WIDTH}
_HEIGHT = 1.05  # inches of a panel


class Panel(NamedTuple):
    """Curves on one pair of axes.

    A line has a label and a style by its key in the log; a style with a dot has markers, and is not
    smoothed: it is of the validation.
    """

    title: str
    lines: dict[str, tuple[str, str]]
    factor: float = 1.0  # of the values: 100 for per cent
    exact: bool = False  # the same in all runs as a rule: not smoothed, lines of later runs thinner


def _similarities(bank: str) -> dict[str, tuple[str, str]]:
    return {
        f'{bank}_positive_sim': ('pos.', '-'),
        f'{bank}_hard_negative_sim': ('hard', '--'),
        f'{bank}_random_negative_sim': ('random', ':'),
    }


_CONTRAST = {
    'loss_contrast_spatial': ('spatial', '-'),
    'loss_contrast_temporal': ('temporal', '--'),
}
_TOP1 = {'acc/top1': ('validation', '.-'), 'top1_acc': ('training', ':')}
_BANK = {  # both banks hold the same samples; their anchors differ if their gates do
    'spatial_bank_filled': ('filled', '-'),
    'spatial_anchors': ('anchors, sp.', '--'),
    'temporal_anchors': ('temp.', ':'),
}
PANELS = (
    Panel('Loss, total', {'loss': ('', '-')}),
    Panel('Classification loss', {'loss_cls': ('', '-')}),
    Panel('Contrast loss', _CONTRAST),
    Panel('Top-1 (%)', _TOP1, factor=100),
    Panel('Spatial similarity', _similarities('spatial')),
    Panel('Temporal similarity', _similarities('temporal')),
    Panel('Bank (%)', _BANK, factor=100, exact=True),
    Panel('Learning rate', {'lr': ('', '-')}, exact=True),
)
"""What is drawn, from top to bottom; what no run has logged is left out."""


def draw_curves(
    runs: Mapping[str, Run], path: str | os.PathLike, window: int = 1, width: str = 'column'
) -> None:
    """Draw the curves of one or more runs.

    Args:
        runs: By name, at most seven: no more colours can be told apart by all readers.
        path: The file: ``.png``, ``.pdf`` or ``.svg``.
        window: Log entries of the training that a mean is taken over (:func:`smooth`); the values
            themselves are drawn faintly behind it.
        width: ``column`` of a paper, panels below each other, or ``page``, two side by side.

    Raises:
        InputError: If there are too many runs, they count in different units, there is nothing to
            draw, or the suffix is another.

    Example:
        >>> from csre_mm.evaluation import read_run
        >>> draw_curves({'ours': read_run('run')}, 'curves.svg', window=5)
    """
    if len(runs) > len(COLOURS):
        raise InputError(f'{len(runs)} runs, a figure tells at most {len(COLOURS)} apart')
    units = {name: run.unit for name, run in runs.items()}
    if len(set(units.values())) > 1:
        counted = ', '.join(f'{name} {unit}s' for name, unit in units.items())
        raise InputError(f'the runs do not count in the same unit: {counted}')
    logged = {key for run in runs.values() for key in run.series}
    of_panels = [{k: line for k, line in panel.lines.items() if k in logged} for panel in PANELS]
    shown = [panel._replace(lines=of) for panel, of in zip(PANELS, of_panels, strict=True) if of]
    if not shown:
        raise InputError(f'the logs of {", ".join(runs)} have nothing that is drawn')
    columns = 1 if width == 'column' else 2
    rows = math.ceil(len(shown) / columns)
    with paper_figure(path, WIDTHS[width], 0.4 + _HEIGHT * rows) as figure:
        axes = figure.subplots(rows, columns, squeeze=False, sharex=True).T.ravel()
        for panel, content in zip(axes, shown, strict=False):
            _draw_panel(panel, content, runs, window)
        axes[len(shown) - 1].tick_params(labelbottom=True)
        figure.supxlabel(next(iter(units.values())).capitalize(), fontsize='medium')
        for unused in axes[len(shown) :]:
            unused.set_axis_off()
        _name_runs(figure, [shorten(name) for name in runs], columns)


def _draw_panel(axes: Axes, panel: Panel, runs: Mapping[str, Run], window: int) -> None:
    for place, (colour, run) in enumerate(zip(COLOURS, runs.values(), strict=False)):
        wider = min(0.8, 2 / max(1, len(runs) - 1)) * (len(runs) - 1 - place)  # points
        for key, (_, style) in panel.lines.items():
            series = run.series.get(key)
            if series is None:
                continue
            if window > 1 and not (style.startswith('.') or panel.exact):
                axes.plot(series.x, panel.factor * series.y, color=colour, lw=0.4, alpha=0.3)
                series = smooth(series, window)
            look = _look(style, single=len(series.y) == 1)
            look['lw'] = 1.0 + wider * panel.exact
            axes.plot(series.x, panel.factor * series.y, color=colour, **look)
    axes.set_title(panel.title, loc='left', pad=3, fontsize='medium')
    open_axes(axes, 'both')
    axes.margins(x=0.02)
    if len(panel.lines) > 1:  # a legend on the line of the title, where no curve is
        for label, style in panel.lines.values():
            axes.plot([], [], color='0.3', label=label, **_look(style))
        at: Any = dict(loc='lower right', bbox_to_anchor=(1, 1), ncols=len(panel.lines))
        close: Any = dict(borderaxespad=0.1, borderpad=0.1, handletextpad=0.4, columnspacing=0.8)
        axes.legend(frameon=False, handlelength=1.4, **at, **close)


def _look(style: str, single: bool = False) -> dict[str, Any]:
    """A style of a panel for matplotlib; a single point is a marker."""
    dots = style.startswith('.') or single
    return dict(ls=style.lstrip('.'), marker='.' if dots else '', ms=3)


def _name_runs(figure: Figure, names: Sequence[str], columns: int) -> None:
    if len(names) == 1:
        figure.suptitle(names[0], fontsize='medium', parse_math=False)
        return
    widest = max(map(len, names)) + 5  # characters, with the line before it
    legend = figure.legend(
        [Line2D([], [], color=colour) for colour in COLOURS[: len(names)]],
        names,
        loc='outside upper center',
        ncols=min(max(1, 58 * columns // widest), len(names)),
        frameon=False,
        handlelength=1.2,
        columnspacing=1.0,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)
