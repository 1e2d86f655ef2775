"""The answers for the windows of a long recording, along its time."""

import os
from collections.abc import Sequence

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.colors import PowerNorm

from csre_mm.apis.prediction import NOBODY, Prediction
from csre_mm.visualization.figures import (
    PAGE_WIDTH,
    VERMILION,
    paper_figure,
    set_rows,
    shorten,
)

MOST_CLASSES = 10  # classes that a timeline shows

_ROW = 0.19  # inches
_AROUND = 0.75  # inches above and below the rows


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
    low, high = min(0.0, float(scores.min(initial=0))), max(1.0, float(scores.max(initial=0)))
    with paper_figure(path, PAGE_WIDTH, _AROUND + _ROW * len(shown)) as figure:
        axes = figure.add_subplot()
        image = axes.pcolormesh(
            edges,
            np.arange(len(shown) + 1) - 0.5,
            scores.T,
            cmap='Blues',
            norm=PowerNorm(0.5, low, high),  # a few per cent have to be seen by their colour
            rasterized=len(predictions) > 500,
        )
        marked = [  # neither nobody nor a class that is left out
            [(edges[i], shown.index(p.label)), (edges[i + 1], shown.index(p.label))]
            for i, p in enumerate(predictions)
            if p.label in shown
        ]
        for colour, width in (('white', 3.0), (VERMILION, 1.6)):
            lines = LineCollection(marked, colors=colour, linewidths=width, label='best class')
            axes.add_collection(lines)
        axes.legend(
            handles=[lines], loc='lower right', bbox_to_anchor=(1, 1), frameon=False, borderpad=0.1
        )
        set_rows(axes, [shorten(class_names[label]) for label in shown])
        axes.set_xlim(0, predictions[-1].end)
        axes.set_xlabel('Frame')
        axes.set_title(predictions[0].name, loc='left', parse_math=False)
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
    """Where the drawn windows begin and end (windows + 1,): half way between their middles."""
    middles = np.array([(p.start + p.end) / 2 for p in predictions])
    between = (middles[1:] + middles[:-1]) / 2
    return np.concatenate([[predictions[0].start], between, [predictions[-1].end]])
