"""What changed from one model to another as pictures of the width of a column."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from csre_mm.evaluation.comparison import ClassChange, PairChange
from csre_mm.visualization.figures import (
    BLUE,
    COLUMN_WIDTH,
    VERMILION,
    paper_style,
    save_figure,
    shorten,
)

MOST_CLASSES = 60
"""Bars that fit a page; of more classes those that change most are drawn."""

_ROW, _PAIR_ROW = 0.13, 0.27  # inches: a line of text, and two
_AROUND = 0.5  # inches for the axis below
_GREY = '0.35'


def draw_class_gains(
    changes: Sequence[ClassChange], class_names: Sequence[str], path: str | os.PathLike
) -> None:
    """Draw a bar a class: its accuracy after minus before; with several seeds, a dot a seed.

    Args:
        changes: Of the classes, in the order from top to bottom.
        class_names: Names of all classes, by label.
        path: The file: ``.png``, ``.pdf`` or ``.svg``.

    Raises:
        InputError: If the suffix is another.
    """
    shown = list(changes)
    if len(shown) > MOST_CLASSES:
        most = sorted(shown, key=lambda change: -abs(change.gain))[:MOST_CLASSES]
        shown = [change for change in shown if change in most]
    with paper_style():
        figure = Figure((COLUMN_WIDTH, _AROUND + _ROW * len(shown)), layout='constrained')
        panel = figure.add_subplot()
        _draw_bars(panel, shown)
        names = [f'{shorten(class_names[c.label])} ({c.samples})' for c in shown]
        panel.set_yticks(range(len(shown)), names, parse_math=False)
        panel.set_ylim(len(shown) - 0.5, -0.5)
        label = 'Gain (percentage points)'
        if len(shown[0].gains) > 1:
            label += '\ndots: single seeds'
        if len(shown) < len(changes):
            label += f'\nthe {len(shown)} of {len(changes)} classes\nthat change most'
        panel.set_xlabel(label)
        save_figure(figure, path)


def _draw_bars(panel: Axes, shown: Sequence[ClassChange]) -> None:
    gains = np.array([100 * change.gain for change in shown])
    colours = [BLUE if gain > 0 else VERMILION for gain in gains]
    panel.barh(range(len(shown)), gains, height=0.7, color=colours)
    if len(shown[0].gains) > 1:
        of_seeds = 100 * np.array([change.gains for change in shown])  # (classes, S)
        places = np.broadcast_to(np.arange(len(shown))[:, None], of_seeds.shape)
        panel.plot(of_seeds.ravel(), places.ravel(), 'o', ms=2.2, mfc='white', mec=_GREY, mew=0.5)
    panel.axvline(0, color='black', lw=0.5)
    panel.grid(axis='x', lw=0.3, color='0.85')
    panel.set_axisbelow(True)
    panel.xaxis.set_major_locator(MaxNLocator(6))
    panel.spines[['top', 'right', 'left']].set_visible(False)
    panel.tick_params(axis='y', length=0)


def draw_pair_changes(
    pairs: Sequence[PairChange],
    class_names: Sequence[str],
    path: str | os.PathLike,
    models: tuple[str, str],
) -> None:
    """Draw how often the classes of each pair are taken for each other, before and after.

    Args:
        pairs: One at least, in the order from top to bottom.
        class_names: Names of all classes, by label.
        path: The file: ``.png``, ``.pdf`` or ``.svg``.
        models: Names of the two models.

    Raises:
        InputError: If the suffix is another.
    """
    with paper_style():
        height = _AROUND + _ROW + _PAIR_ROW * len(pairs)
        figure = Figure((COLUMN_WIDTH, height), layout='constrained')
        panel = figure.add_subplot()
        before, after = (
            [100 * share / pair.samples for pair, share in zip(pairs, shares, strict=True)]
            for shares in ([pair.before for pair in pairs], [pair.after for pair in pairs])
        )
        rows = range(len(pairs))
        panel.hlines(rows, before, after, color=_GREY, lw=1.0, zorder=1)
        whole: dict[str, Any] = dict(ls='', zorder=3, clip_on=False)  # markers at 0, too
        panel.plot(
            before, rows, marker='o', ms=5, mfc='white', mec=VERMILION, label=models[0], **whole
        )
        panel.plot(after, rows, marker='D', ms=4, mfc=BLUE, mec=BLUE, label=models[1], **whole)
        names = ['\n'.join(shorten(class_names[label]) for label in pair.classes) for pair in pairs]
        panel.set_yticks(rows, names, parse_math=False, linespacing=1.0)
        panel.set_ylim(len(pairs) - 0.5, -0.5)
        panel.set_xlim(left=0)
        panel.set_xlabel('Confused (% of both classes)')
        panel.grid(axis='x', lw=0.3, color='0.85')
        panel.hlines(np.arange(len(pairs) - 1) + 0.5, *panel.get_xlim(), color='0.9', lw=0.3)
        panel.spines[['top', 'right']].set_visible(False)
        panel.tick_params(axis='y', length=0)
        figure.legend(loc='outside upper center', ncols=2, frameon=False)
        save_figure(figure, path)
