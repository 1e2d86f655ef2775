"""The answers for the windows of a long recording, along its time."""

import os
from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.colors import ListedColormap

from csre_mm.apis.prediction import NOBODY, Prediction
from csre_mm.visualization.figures import (
    PAGE_WIDTH,
    VERMILION,
    paper_figure,
    set_rows,
    shorten,
)

MOST_CLASSES = 10
"""Classes that a timeline shows."""

_ROW = 0.19  # inches
_AROUND = 0.75  # inches above and below the rows
_DARKEST = 0.92  # of the colour map: the mark of the best class stays visible


def draw_timeline(
    predictions: Sequence[Prediction], class_names: Sequence[str], path: str | os.PathLike
) -> None:
    """Draw the scores of the classes over time, a row per class, and mark the best of each window.

    The scores of a window are drawn around its middle. The classes are those that are best in a
    window, then those with the highest scores, at most :data:`MOST_CLASSES`.

    Args:
        predictions: Of the windows of one recording, in their order.
        class_names: Names of all classes.
        path: The file: ``.png``, ``.pdf`` or ``.svg``.

    Example:
        >>> from csre_mm.apis import SkeletonInferencer
        >>> inferencer = SkeletonInferencer('config.py', 'epoch_1.pth')
        >>> predictions = inferencer('own.npy', window=8)
        >>> draw_timeline(predictions, inferencer.class_names, 'timeline.svg')
    """
    shown = shown_classes(predictions)
    scores = np.stack([p.scores for p in predictions])[:, shown]  # (windows, classes)
    edges = window_edges(predictions)
    blues = ListedColormap(matplotlib.colormaps['Blues'](np.linspace(0, _DARKEST, 256)))
    low, high = min(0.0, float(scores.min(initial=0))), max(1.0, float(scores.max(initial=0)))
    with paper_figure(path, PAGE_WIDTH, _AROUND + _ROW * len(shown)) as figure:
        axes = figure.add_subplot()
        rows = np.arange(len(shown) + 1) - 0.5
        large = len(predictions) > 500
        image = axes.pcolormesh(
            edges, rows, scores.T, cmap=blues, vmin=low, vmax=high, rasterized=large
        )
        for place, prediction in enumerate(predictions):
            if prediction.label in shown:  # neither nobody nor a class that is left out
                row = shown.index(prediction.label) + 0.42
                axes.plot(edges[place : place + 2], [row, row], color=VERMILION, lw=1.6)
        set_rows(axes, [shorten(class_names[label]) for label in shown])
        axes.set_xlim(0, predictions[-1].end)
        axes.set_xlabel('Frame (the line marks the best class of a window)')
        axes.set_title(predictions[0].name, parse_math=False)
        figure.colorbar(image, ax=axes, label='Score', pad=0.01, aspect=max(6, 3 * len(shown)))


def shown_classes(predictions: Sequence[Prediction]) -> list[int]:
    """Labels of the rows: the best classes in the order of their time, then the next in score."""
    best = dict.fromkeys(p.label for p in predictions if p.label != NOBODY)
    highest = np.stack([p.scores for p in predictions]).max(axis=0)  # (classes,)
    order = sorted(best, key=lambda label: -highest[label])[:MOST_CLASSES]
    rows = [label for label in best if label in order]
    rest = [int(i) for i in np.argsort(-highest, kind='stable') if i not in best]
    return rows + rest[: max(0, min(3, MOST_CLASSES - len(rows)))]


def window_edges(predictions: Sequence[Prediction]) -> np.ndarray:
    """Where the drawn windows begin and end, in frames: half way between their middles.

    Returns:
        (windows + 1,), ascending, from the first window's start to the last one's end.
    """
    middles = np.array([(p.start + p.end) / 2 for p in predictions])
    between = (middles[1:] + middles[:-1]) / 2
    return np.concatenate([[predictions[0].start], between, [predictions[-1].end]])
