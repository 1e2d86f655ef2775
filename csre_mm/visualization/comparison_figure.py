"""What changed from one model to another, as figures of the width of a column."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from csre_mm.evaluation.changes import ClassChange, PairChange
from csre_mm.visualization.figures import (
    BLUE,
    COLUMN_WIDTH,
    VERMILION,
    open_axes,
    paper_figure,
    set_rows,
    shorten,
)

MOST_CLASSES = 60  # bars that fit a page; of more classes those that change most are drawn

_ROW, _PAIR_ROW = 0.13, 0.27  # inches: a line of text, and two
_AROUND = 0.5  # inches for the axis below
_GREY = '0.35'


def draw_class_gains(
    changes: Sequence[ClassChange], class_names: Sequence[str], path: str | os.PathLike
) -> None:
    """Draw a bar per class: its accuracy after minus before; with several seeds, a dot per seed.

    Args:
        changes: Of the classes, in the order from top to bottom.
        class_names: Names of all classes, by label.
        path: The file: ``.png``, ``.pdf`` or ``.svg``.

    Example:
        >>> from csre_mm.evaluation import compare, find_changes, load_scores
        >>> before, after = load_scores('baseline.pkl'), load_scores('csre.pkl')
        >>> found = find_changes(compare({'baseline': before}, {'csre': after}))
        >>> draw_class_gains(found.classes, ['walk', 'sit', 'wave'], 'classes.svg')
    """
    shown = list(changes)
    if len(shown) > MOST_CLASSES:
        most = sorted(shown, key=lambda change: -abs(change.gain))[:MOST_CLASSES]
        shown = [change for change in shown if change in most]
    label = 'Gain (percentage points)'
    with paper_figure(path, COLUMN_WIDTH, _AROUND + _ROW * len(shown)) as figure:
        panel = figure.add_subplot()
        gains = np.array([100 * change.gain for change in shown])
        colours = [BLUE if gain > 0 else VERMILION for gain in gains]
        panel.barh(range(len(shown)), gains, height=0.7, color=colours)
        if len(shown[0].gains) > 1:
            label += '\ndots: single seeds'
            for row, change in enumerate(shown):
                dots = 100 * np.array(change.gains)
                panel.plot(dots, [row] * len(dots), 'o', ms=2.2, mfc='white', mec=_GREY, mew=0.5)
        if len(shown) < len(changes):
            label += f'\nthe {len(shown)} of {len(changes)} classes\nthat change most'
        panel.axvline(0, color='black', lw=0.5)
        open_axes(panel, 'x')
        panel.spines['left'].set_visible(False)
        panel.xaxis.set_major_locator(MaxNLocator(6))
        panel.set_xlabel(label)
        set_rows(panel, [f'{shorten(class_names[c.label])} ({c.samples})' for c in shown])


def draw_pair_changes(
    pairs: Sequence[PairChange],
    class_names: Sequence[str],
    path: str | os.PathLike,
    models: tuple[str, str],
) -> None:
    """Draw how often the classes of each pair are misclassified as each other, before and after.

    Args:
        pairs: One at least, in the order from top to bottom.
        class_names: Names of all classes, by label.
        path: The file: ``.png``, ``.pdf`` or ``.svg``.
        models: Names of the two models.

    Example:
        >>> from csre_mm.evaluation import compare, find_changes, load_scores
        >>> before, after = load_scores('baseline.pkl'), load_scores('csre.pkl')
        >>> found = find_changes(compare({'baseline': before}, {'csre': after}))
        >>> classes, models = ['walk', 'sit', 'wave'], ('baseline', 'csre')
        >>> draw_pair_changes(found.pairs, classes, 'pairs.svg', models)
    """
    rows = range(len(pairs))
    before = [100 * pair.before / pair.samples for pair in pairs]
    after = [100 * pair.after / pair.samples for pair in pairs]
    whole: dict[str, Any] = dict(ls='', zorder=3, clip_on=False)  # markers at 0, too
    with paper_figure(path, COLUMN_WIDTH, _AROUND + _ROW + _PAIR_ROW * len(pairs)) as figure:
        panel = figure.add_subplot()
        panel.hlines(rows, before, after, color=_GREY, lw=1.0, zorder=1)
        panel.plot(
            before, rows, marker='o', ms=5, mfc='white', mec=VERMILION, label='before', **whole
        )
        panel.plot(after, rows, marker='D', ms=4, mfc=BLUE, mec=BLUE, label='after', **whole)
        names = [[shorten(class_names[label]) for label in pair.classes] for pair in pairs]
        set_rows(panel, ['\n'.join(pair) for pair in names])
        panel.set_xlim(left=0)
        panel.set_xlabel('Confused (% of both classes)')
        open_axes(panel, 'x')
        panel.hlines(np.arange(len(pairs) - 1) + 0.5, *panel.get_xlim(), color='0.9', lw=0.3)
        legend = figure.legend(loc='outside upper center', ncols=2, frameon=False)
        for text, name in zip(legend.get_texts(), models, strict=True):
            text.set_parse_math(False)
            text.set_text(shorten(name))
