"""Curves of training runs as one picture: a panel a quantity, a colour a run, a style a kind."""

import math
import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from csre_mm.evaluation.training_log import Run, smooth
from csre_mm.utils.errors import InputError
from csre_mm.visualization.figures import (
    COLOURS,
    COLUMN_WIDTH,
    PAGE_WIDTH,
    paper_style,
    save_figure,
    shorten,
)

WIDTHS = {'column': COLUMN_WIDTH, 'page': PAGE_WIDTH}
_HEIGHT = 1.05  # inches of a panel
_GREY = '0.3'


class Line(NamedTuple):
    """A curve of each run.

    Attributes:
        key: In the log.
        label: In the legend of the panel.
        style: Of the line.
    """

    key: str
    label: str
    style: str


class Panel(NamedTuple):
    """Curves on one pair of axes.

    Attributes:
        title: Above the axes.
        lines: What is drawn.
        factor: The values are multiplied by it: 100 for per cent.
        exact: Whether the values are the same in all runs as a rule, and without noise: they are
            not smoothed, and the lines of later runs are thinner, so that none hides another.
    """

    title: str
    lines: tuple[Line, ...]
    factor: float = 1.0
    exact: bool = False


def _similarities(bank: str) -> tuple[Line, ...]:
    return (
        Line(f'{bank}_positive_sim', 'pos.', '-'),
        Line(f'{bank}_hard_negative_sim', 'hard neg.', '--'),
        Line(f'{bank}_random_negative_sim', 'random neg.', ':'),
    )


PANELS = (
    Panel('Loss, total', (Line('loss', '', '-'),)),
    Panel('Classification loss', (Line('loss_cls', '', '-'),)),
    Panel(
        'Contrast loss',
        (
            Line('loss_contrast_spatial', 'spatial', '-'),
            Line('loss_contrast_temporal', 'temporal', '--'),
        ),
    ),
    Panel(
        'Top-1 (%)',
        (Line('acc/top1', 'validation', '.-'), Line('top1_acc', 'training batches', ':')),
        factor=100,
    ),
    Panel('Spatial similarity', _similarities('spatial')),
    Panel('Temporal similarity', _similarities('temporal')),
    Panel(
        'Bank (%)',
        (
            # Both banks hold the same samples; their anchors differ if their gates do.
            Line('spatial_bank_filled', 'filled', '-'),
            Line('spatial_anchors', 'anchors sp.', '--'),
            Line('temporal_anchors', 'anchors temp.', ':'),
        ),
        factor=100,
        exact=True,
    ),
    Panel('Learning rate', (Line('lr', '', '-'),), exact=True),
)
"""What is drawn, from top to bottom; what no run has logged is left out."""


def draw_curves(
    runs: Mapping[str, Run], path: str | os.PathLike, window: int = 1, width: str = 'column'
) -> None:
    """Draw the curves of one or more runs.

    Args:
        runs: By name, at most seven: there are no more colours that all eyes tell apart.
        path: The file: ``.png``, ``.pdf`` or ``.svg``.
        window: Log entries of the training that a mean is taken over (:func:`smooth`); the values
            themselves are drawn faintly behind it.
        width: ``column`` of a paper, panels below each other, or ``page``, two side by side.

    Raises:
        InputError: If there are too many runs, they count in different units, there is nothing to
            draw, or the suffix is another.
    """
    if len(runs) > len(COLOURS):
        raise InputError(f'{len(runs)} runs, a figure tells at most {len(COLOURS)} apart')
    units = {name: run.unit for name, run in runs.items()}
    if len(set(units.values())) > 1:
        counted = ', '.join(f'{name} {unit}s' for name, unit in units.items())
        raise InputError(f'the runs do not count in the same unit: {counted}')
    shown = _occurring(runs)
    if not shown:
        raise InputError(f'the logs of {", ".join(runs)} have nothing that is drawn')
    columns = 1 if width == 'column' else 2
    rows = math.ceil(len(shown) / columns)
    with paper_style():
        figure = Figure((WIDTHS[width], 0.4 + _HEIGHT * rows), layout='constrained')
        axes = figure.subplots(rows, columns, squeeze=False, sharex=True).T.ravel()
        for panel, content in zip(axes, shown, strict=False):
            _draw_panel(panel, content, runs, window)
        axes[len(shown) - 1].tick_params(labelbottom=True)
        figure.supxlabel(next(iter(units.values())).capitalize(), fontsize='medium')
        for unused in axes[len(shown) :]:
            unused.set_axis_off()
        _explain_colours(figure, list(runs), columns)
        save_figure(figure, path)


def _occurring(runs: Mapping[str, Run]) -> list[Panel]:
    """Panels and lines that some run has values of."""
    logged = {key for run in runs.values() for key in run.series}
    panels = []
    for panel in PANELS:
        lines = tuple(line for line in panel.lines if line.key in logged)
        if lines:
            panels.append(panel._replace(lines=lines))
    return panels


def _draw_panel(axes: Axes, panel: Panel, runs: Mapping[str, Run], window: int) -> None:
    for place, (colour, run) in enumerate(zip(COLOURS, runs.values(), strict=False)):
        wider = min(0.8, 2 / max(1, len(runs) - 1)) * (len(runs) - 1 - place)  # points
        for line in panel.lines:
            series = run.series.get(line.key)
            if series is None:
                continue
            validation = line.style.startswith('.')
            if window > 1 and not (validation or panel.exact):
                axes.plot(series.x, panel.factor * series.y, color=colour, lw=0.4, alpha=0.3)
                series = smooth(series, window)
            axes.plot(
                series.x,
                panel.factor * series.y,
                color=colour,
                ls=line.style.lstrip('.'),
                lw=1.0 + wider * panel.exact,
                marker='.' if validation or len(series.y) == 1 else '',
                ms=3,
            )
    axes.set_title(panel.title, loc='left', pad=3, fontsize='medium')
    axes.grid(lw=0.3, color='0.88')
    axes.spines[['top', 'right']].set_visible(False)
    axes.margins(x=0.02)
    if len(panel.lines) > 1:
        _explain_styles(axes, panel.lines)


def _explain_styles(axes: Axes, lines: Sequence[Line]) -> None:
    """Put a legend on the line of the title, where no curve is."""
    handles = [
        Line2D(
            [],
            [],
            color=_GREY,
            ls=line.style.lstrip('.'),
            marker='.' if line.style.startswith('.') else '',
            ms=3,
            label=line.label,
        )
        for line in lines
    ]
    axes.legend(
        handles=handles,
        loc='lower right',
        bbox_to_anchor=(1, 1),
        ncols=len(lines),
        frameon=False,
        borderaxespad=0.1,
        borderpad=0.1,
        handlelength=1.8,
        handletextpad=0.4,
        columnspacing=0.8,
    )


def _explain_colours(figure: Figure, names: Sequence[str], columns: int) -> None:
    """Name the runs above the panels, as many in a line as there is room for."""
    if len(names) == 1:
        figure.suptitle(shorten(names[0]), fontsize='medium', parse_math=False)
        return
    widest = max(len(shorten(name)) for name in names) + 5  # characters, with the line before it
    fitting = max(1, 58 * columns // widest)
    handles = [
        Line2D([], [], color=colour, label=shorten(name))
        for colour, name in zip(COLOURS, names, strict=False)
    ]
    legend = figure.legend(
        handles=handles,
        loc='outside upper center',
        ncols=min(fitting, len(names)),
        frameon=False,
        handlelength=1.2,
        columnspacing=1.0,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)
