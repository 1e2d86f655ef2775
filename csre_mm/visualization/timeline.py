"""The answers for the windows of a long recording, along its time."""

import os
from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from csre_mm.apis.prediction import NOBODY, Prediction
from csre_mm.visualization.figures import (
    PAGE_WIDTH,
    VERMILION,
    paper_style,
    save_figure,
    shorten,
)

MOST_CLASSES = 10
"""Classes that a timeline shows."""

_ROW = 0.19  # inches
_AROUND = 0.75  # inches above and below the rows
_DARKEST = 0.92  # of the map of colours: the mark of the best class stays visible


def draw_timeline(
    predictions: Sequence[Prediction], class_names: Sequence[str], path: str | os.PathLike
) -> None:
    """Draw the scores of the classes over time, a row a class, and mark the best of each window.

    A window's cell stands around the window's middle. The classes are those that are best in a
    window, then those with the highest scores, at most :data:`MOST_CLASSES`.

    Args:
        predictions: Of the windows of one recording, in their order.
        class_names: Names of all classes.
        path: The file: ``.png``, ``.pdf`` or ``.svg``.

    Raises:
        InputError: If the suffix is another.
    """
    shown = shown_classes(predictions)
    scores = np.stack([p.scores for p in predictions])[:, shown]  # (windows, classes)
    edges = cell_edges(predictions)
    with paper_style():
        height = _AROUND + _ROW * len(shown)
        figure = Figure(figsize=(PAGE_WIDTH, height), layout='constrained')
        axes = figure.subplots()
        blues = matplotlib.colormaps['Blues'](np.linspace(0, _DARKEST, 256))
        top = max(1.0, float(scores.max(initial=0)))
        image = axes.pcolormesh(
            edges,
            np.arange(len(shown) + 1) - 0.5,
            scores.T,
            cmap=ListedColormap(blues),
            vmin=min(0.0, float(scores.min(initial=0))),
            vmax=top,
            rasterized=len(predictions) > 500,
        )
        _mark_best(axes, predictions, shown, edges)
        names = [shorten(class_names[label]) for label in shown]
        axes.set_yticks(range(len(shown)), names, parse_math=False)
        axes.set_ylim(len(shown) - 0.5, -0.5)
        axes.set(
            xlim=(0, predictions[-1].end),
            xlabel='Frame (the line marks the best class of a window)',
        )
        axes.set_title(predictions[0].name, parse_math=False)
        figure.colorbar(image, ax=axes, label='Score', pad=0.01, aspect=max(6, 3 * len(shown)))
        save_figure(figure, path)


def shown_classes(predictions: Sequence[Prediction]) -> list[int]:
    """Labels of the rows: the best classes in the order of their time, then the next in score."""
    best = dict.fromkeys(p.label for p in predictions if p.label != NOBODY)
    highest = np.stack([p.scores for p in predictions]).max(axis=0)  # (classes,)
    order = sorted(best, key=lambda label: -highest[label])[:MOST_CLASSES]
    rows = [label for label in best if label in order]
    rest = [int(i) for i in np.argsort(-highest, kind='stable') if i not in best]
    return rows + rest[: max(0, min(3, MOST_CLASSES - len(rows)))]


def cell_edges(predictions: Sequence[Prediction]) -> np.ndarray:
    """Where the cells of the windows begin and end, in frames: half way between their middles.

    Returns:
        (windows + 1,), ascending, from the first window's start to the last one's end.
    """
    middles = np.array([(p.start + p.end) / 2 for p in predictions])
    between = (middles[1:] + middles[:-1]) / 2
    return np.concatenate([[predictions[0].start], between, [predictions[-1].end]])


def _mark_best(
    axes: Axes, predictions: Sequence[Prediction], shown: Sequence[int], edges: np.ndarray
) -> None:
    """A line through the best class of each window; none where nobody is there."""
    rows = {label: row for row, label in enumerate(shown)}
    for place, prediction in enumerate(predictions):
        if prediction.label in rows:
            row = rows[prediction.label]
            axes.plot(edges[place : place + 2], [row + 0.42] * 2, color=VERMILION, lw=1.6)
