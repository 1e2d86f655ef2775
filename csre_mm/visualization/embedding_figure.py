"""Features in two dimensions, and the silhouettes of the classes, as figures."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.lines import Line2D

from csre_mm.visualization.figures import (
    COLOURS,
    PAGE_WIDTH,
    open_axes,
    paper_figure,
    set_rows,
    shorten,
)

MOST_CLASSES = 12  # classes that are told apart by colour and marker; the others are grey
TITLES = {'encoder': 'Encoder', 'z_s': r'$z_s$ (spatial)', 'z_t': r'$z_t$ (temporal)'}

_GREY = '0.8'
_MARKERS = ('o', '^', 's', 'D', 'v', 'P')
_ROW = 0.125  # inches of a class in the figure of silhouettes
_MOST_ROWS = 60  # classes below each other


def draw_embedding(
    points: Mapping[str, np.ndarray],
    labels: np.ndarray,
    shown: Sequence[int],
    class_names: Sequence[str],
    path: str | os.PathLike,
    scores: Mapping[str, float] | None = None,
) -> None:
    """Draw the samples, a panel per kind of feature; the legend is below.

    Args:
        points: By kind (:data:`TITLES`) (N, 2).
        labels: Classes (N,).
        shown: Labels that are told apart, at most :data:`MOST_CLASSES`; the others are grey dots.
        class_names: Names of all classes.
        path: The file: ``.png``, ``.pdf`` or ``.svg``.
        scores: By kind the mean silhouette, for the titles.

    Raises:
        ValueError: If more classes are to be told apart.

    Example:
        >>> points, labels = {'encoder': np.random.randn(20, 2)}, np.arange(20) % 2
        >>> draw_embedding(points, labels, [0, 1], ['walk', 'sit'], 'embedding.svg')
    """
    if len(shown) > MOST_CLASSES:
        raise ValueError(f'{len(shown)} classes, at most {MOST_CLASSES} are told apart')
    side = PAGE_WIDTH / max(len(points), 2)
    rest = ~np.isin(labels, shown)
    height = side + 0.2 + 0.14 * -(-(len(shown) + 1) // 3)
    with paper_figure(path, side * len(points), height) as figure:
        panels = figure.subplots(1, len(points), squeeze=False)[0]
        for panel, (kind, places) in zip(panels, points.items(), strict=True):
            rasterized = len(places) > 2000  # thousands of vectors are slow to open
            panel.plot(*places[rest].T, '.', color=_GREY, ms=2, rasterized=rasterized, zorder=1)
            for place, label in enumerate(shown):
                look: Any = _look(place) | dict(alpha=0.85, rasterized=rasterized, zorder=2)
                panel.plot(*places[labels == label].T, **look)
            panel.set(xticks=[], yticks=[])
            panel.margins(0.04)
            score = f', silhouette {scores[kind]:.3f}' if scores and kind in scores else ''
            panel.set_title(TITLES.get(kind, kind) + score)
        handles = [
            Line2D([], [], label=shorten(class_names[label]).replace('$', r'\$'), **_look(place))
            for place, label in enumerate(shown)
        ]
        if rest.any():
            handles.append(Line2D([], [], ls='', marker='.', color=_GREY, label='other classes'))
        columns = 3 if len(points) > 1 else 2
        figure.legend(handles=handles, loc='outside lower center', ncols=columns, frameon=False)


def _look(place: int) -> dict[str, Any]:
    """Colour and marker of a class; the second of a colour has another marker, and an open one."""
    colours = COLOURS[:6]
    colour, open_marker = colours[place % len(colours)], place >= len(colours)
    return dict(
        marker=_MARKERS[(place + 3 * open_marker) % len(_MARKERS)],
        markerfacecolor='none' if open_marker else colour,
        markeredgecolor=colour,
        markeredgewidth=0.7 if open_marker else 0.2,
        markersize=3.0,
        linestyle='',
    )


def draw_silhouettes(
    means: Mapping[str, Mapping[int, float]],
    overall: Mapping[str, float],
    class_names: Sequence[str],
    path: str | os.PathLike,
) -> None:
    """Draw the mean silhouette of each class, a marker per kind of feature, and the overall means.

    The classes are in the order of the first kind, the best separated one first; with more than
    sixty, in several columns.

    Args:
        means: By kind (:data:`TITLES`), then by label.
        overall: By kind, over all samples.
        class_names: Names of all classes.
        path: The file: ``.png``, ``.pdf`` or ``.svg``.

    Example:
        >>> means, overall = {'z_s': {0: 0.4, 1: -0.1}}, {'z_s': 0.15}
        >>> draw_silhouettes(means, overall, ['walk', 'sit'], 'silhouettes.svg')
    """
    first = next(iter(means.values()))
    order = sorted(first, key=lambda label: -first[label])
    columns = -(-len(order) // _MOST_ROWS)
    rows = -(-len(order) // columns)
    width = PAGE_WIDTH if columns > 1 else 0.62 * PAGE_WIDTH
    with paper_figure(path, width, 0.8 + _ROW * rows) as figure:
        panels = figure.subplots(1, columns, squeeze=False, sharex=True)[0]
        for place, panel in enumerate(panels):
            part = order[place * rows : (place + 1) * rows]
            for kind, colour, marker, style in zip(
                means, COLOURS, _MARKERS, ('--', ':', '-.'), strict=False
            ):
                values = [means[kind][label] for label in part]
                label = f'{TITLES.get(kind, kind)}, all: {overall[kind]:.3f}'
                panel.plot(values, range(len(part)), marker, ms=3.2, color=colour, label=label)
                panel.axvline(overall[kind], color=colour, lw=0.7, ls=style)
            panel.axvline(0, color='0.3', lw=0.5)
            open_axes(panel, 'y')
            panel.set_xlabel('Mean silhouette (cosine)')
            set_rows(panel, [shorten(class_names[label]) for label in part])
            panel.set_ylim(rows - 0.5, -0.5)
        found = panels[0].get_legend_handles_labels()
        figure.legend(*found, loc='outside upper center', ncols=3, frameon=False)
