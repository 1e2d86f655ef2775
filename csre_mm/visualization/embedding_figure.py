"""Features in two dimensions, and the silhouettes of the classes, as pictures."""

import os
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from csre_mm.visualization.figures import (
    COLOURS,
    PAGE_WIDTH,
    paper_style,
    save_figure,
    shorten,
)

MOST_CLASSES = 12
"""Classes that are told apart by colour and marker; the others are grey."""
TITLES = {'encoder': 'Encoder', 'z_s': r'$z_s$ (spatial)', 'z_t': r'$z_t$ (temporal)'}

_GREY = '0.8'
_MARKERS = ('o', '^', 's', 'D', 'v', 'P')
_ROW = 0.125  # inches of a class in the picture of silhouettes
_MOST_ROWS = 60  # classes below each other


def draw_embedding(
    points: Mapping[str, np.ndarray],
    labels: np.ndarray,
    shown: Sequence[int],
    class_names: Sequence[str],
    path: str | os.PathLike,
    scores: Mapping[str, float] | None = None,
) -> None:
    """Draw the samples, a panel a kind of feature; the legend is below.

    Args:
        points: By kind (:data:`TITLES`) (N, 2).
        labels: Classes (N,).
        shown: Labels that are told apart, at most :data:`MOST_CLASSES`; the others are grey dots.
        class_names: Names of all classes.
        path: The file: ``.png``, ``.pdf`` or ``.svg``.
        scores: By kind the mean silhouette, for the titles.

    Raises:
        InputError: If the suffix is another.
        ValueError: If more classes are to be told apart.
    """
    if len(shown) > MOST_CLASSES:
        raise ValueError(f'{len(shown)} classes, at most {MOST_CLASSES} are told apart')
    with paper_style():
        side = PAGE_WIDTH / max(len(points), 2)
        rows = -(-(len(shown) + 1) // 3)
        figure = Figure((side * len(points), side + 0.2 + 0.14 * rows), layout='constrained')
        panels = figure.subplots(1, len(points), squeeze=False)[0]
        for panel, (kind, places) in zip(panels, points.items(), strict=True):
            _draw_points(panel, places, labels, shown)
            title = TITLES.get(kind, kind)
            if scores and kind in scores:
                title += f', silhouette {scores[kind]:.3f}'
            panel.set_title(title)
        handles = [
            Line2D([], [], label=shorten(class_names[label]).replace('$', r'\$'), **_look(place))
            for place, label in enumerate(shown)
        ]
        if not set(labels.tolist()) <= set(shown):
            handles.append(Line2D([], [], ls='', marker='.', color=_GREY, label='other classes'))
        columns = 3 if len(points) > 1 else 2
        figure.legend(handles=handles, loc='outside lower center', ncols=columns, frameon=False)
        save_figure(figure, path)


def _look(place: int) -> dict:
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


def _draw_points(axes: Axes, points: np.ndarray, labels: np.ndarray, shown: Sequence[int]) -> None:
    rest = ~np.isin(labels, shown)
    rasterized = len(points) > 2000  # thousands of vectors make a file that readers choke on
    axes.plot(*points[rest].T, '.', color=_GREY, ms=2, rasterized=rasterized, zorder=1)
    for place, label in enumerate(shown):
        axes.plot(
            *points[labels == label].T, alpha=0.85, rasterized=rasterized, zorder=2, **_look(place)
        )
    axes.set(xticks=[], yticks=[])
    axes.margins(0.04)


def draw_silhouettes(
    means: Mapping[str, Mapping[int, float]],
    overall: Mapping[str, float],
    class_names: Sequence[str],
    path: str | os.PathLike,
) -> None:
    """Draw the mean silhouette of each class, a marker a kind of feature, and the overall means.

    The classes stand in the order of the first kind, the one that parts best first; with more than
    sixty, in several columns.

    Args:
        means: By kind (:data:`TITLES`), then by label.
        overall: By kind, over all samples.
        class_names: Names of all classes.
        path: The file: ``.png``, ``.pdf`` or ``.svg``.

    Raises:
        InputError: If the suffix is another.
    """
    first = next(iter(means.values()))
    order = sorted(first, key=lambda label: -first[label])
    columns = -(-len(order) // _MOST_ROWS)
    rows = -(-len(order) // columns)
    with paper_style():
        size = (PAGE_WIDTH if columns > 1 else 0.62 * PAGE_WIDTH, 0.8 + _ROW * rows)
        figure = Figure(size, layout='constrained')
        panels = figure.subplots(1, columns, squeeze=False, sharex=True)[0]
        for place, panel in enumerate(panels):
            part = order[place * rows : (place + 1) * rows]
            _draw_column(panel, part, means, overall, class_names)
            panel.set_ylim(rows - 0.5, -0.5)
        found = panels[0].get_legend_handles_labels()
        figure.legend(*found, loc='outside upper center', ncols=3, frameon=False)
        save_figure(figure, path)


def _draw_column(
    axes: Axes,
    labels: Sequence[int],
    means: Mapping[str, Mapping[int, float]],
    overall: Mapping[str, float],
    class_names: Sequence[str],
) -> None:
    for place, (kind, of_class) in enumerate(means.items()):
        colour = COLOURS[place]
        axes.plot(
            [of_class[label] for label in labels],
            range(len(labels)),
            marker=_MARKERS[place],
            ls='',
            ms=3.2,
            color=colour,
            label=f'{TITLES.get(kind, kind)}, all: {overall[kind]:.3f}',
        )
        axes.axvline(overall[kind], color=colour, lw=0.7, ls=('--', ':', '-.')[place % 3])
    axes.axvline(0, color='0.3', lw=0.5)
    axes.set_yticks(range(len(labels)), [shorten(class_names[i]) for i in labels], parse_math=False)
    axes.grid(axis='y', lw=0.3, color='0.88')
    axes.set_axisbelow(True)
    axes.set_xlabel('Mean silhouette (cosine)')
    axes.spines[['top', 'right']].set_visible(False)
