"""Changes with their intervals, one below the other: a forest plot."""

import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from csre_mm.visualization.figures import BLUE, PAGE_WIDTH, open_axes, paper_figure, set_rows

_ROW, _AROUND = 0.15, 0.6  # inches: a line, and what is above and below


class ForestRow(NamedTuple):
    """A line of a forest plot, in percentage points; what sums others up is drawn in bold."""

    label: str
    mean: float
    low: float
    high: float
    total: bool = False


def draw_forest(
    panels: Mapping[str, Mapping[str, Sequence[ForestRow]]], label: str, path: str | os.PathLike
) -> None:
    """Draw a dot for each change and a line for its interval.

    Args:
        panels: By their titles, from left to right, the groups of rows by their names, from top to
            bottom. A panel may lack rows of others.
        label: Of the axis.
        path: The file: ``.png``, ``.pdf`` or ``.svg``.

    Example:
        >>> rows = [ForestRow('NW-UCLA', 0.4, -0.9, 1.7), ForestRow('both', 0.1, -0.5, 0.7, True)]
        >>> draw_forest({'CSRE': {'HCN': rows}}, 'Change of top-1 (points)', 'forest.svg')
    """
    groups: dict[str, dict[str, None]] = {}  # of all panels, in order
    for panel in panels.values():
        for group, rows in panel.items():
            groups.setdefault(group, {}).update(dict.fromkeys(row.label for row in rows))
    names: list[str] = []
    heads: list[int] = []
    places: dict[tuple[str, str], int] = {}
    for group, labels in groups.items():
        heads.append(len(names))
        names.append(group)
        for name in labels:
            places[group, name] = len(names)
            names.append(name)
    with paper_figure(path, PAGE_WIDTH, _AROUND + _ROW * len(names)) as figure:
        axes = figure.subplots(1, len(panels), sharex=True, squeeze=False)[0]
        for column, (title, panel) in enumerate(panels.items()):
            own = axes[column]
            own.axvline(0, color='black', lw=0.5)
            for group, rows in panel.items():
                for row in rows:
                    place = places[group, row.label]
                    colour, width = ('black', 1.6) if row.total else (BLUE, 0.9)
                    own.plot([row.low, row.high], [place, place], color=colour, lw=width)
                    own.plot(row.mean, place, 'D' if row.total else 'o', color=colour, ms=3.5)
            open_axes(own, 'x')
            own.spines['left'].set_visible(False)
            own.set_title(title)
            set_rows(own, names if column == 0 else [''] * len(names))
        for place in heads:
            axes[0].get_yticklabels()[place].set_fontweight('bold')
        figure.supxlabel(label, fontsize=axes[0].xaxis.label.get_fontsize())
