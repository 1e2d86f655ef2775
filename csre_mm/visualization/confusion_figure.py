"""Confusion matrices of several models as one figure."""

import os
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, Normalize, PowerNorm
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Patch, Rectangle

from csre_mm.evaluation.confusion import accuracy
from csre_mm.visualization.figures import (
    COLUMN_WIDTH,
    FONT,
    PAGE_WIDTH,
    VERMILION,
    paper_figure,
    shorten,
)

MOST_NUMBERED = 20  # with more classes than this the squares hold no numbers

_SIDE = (0.17, 0.45)  # inches, least and most, of a square with a number
_SMALL_SIDE = (0.075, 0.12)  # and of one without: room for a line of _SMALL_FONT
_SMALL_FONT = 5.0  # points
_GAP = 0.15  # inches between panels


def draw_confusion(
    matrices: Mapping[str, np.ndarray],
    class_names: Sequence[str],
    path: str | os.PathLike,
    pairs: Sequence[tuple[int, int]] = (),
) -> None:
    """Draw a panel per model, side by side, as percentages of each true class.

    Classes that occur in no matrix, neither as a true class nor as a prediction, are left out.
    The colours are the same in all panels; the title of a panel has the model's accuracy.

    Args:
        matrices: Counts (C, C) by the name of the model; row = true class.
        class_names: Names of the C classes.
        path: The file: ``.png`` with 200 dots per inch, ``.pdf`` or ``.svg``.
        pairs: Pairs of classes whose two squares are outlined.

    Raises:
        ValueError: If there is nothing to draw, or the shapes do not fit.

    Example:
        >>> matrices = {'ours': np.array([[9, 1], [0, 5]])}
        >>> draw_confusion(matrices, ['walk', 'sit'], 'confusion.svg', pairs=[(0, 1)])
    """
    shown = _occurring(matrices, len(class_names))
    names = [shorten(class_names[label]) for label in shown]
    places = {int(label): place for place, label in enumerate(shown)}
    outlined = [(places[a], places[b]) for a, b in pairs if a in places and b in places]
    square = _square_side(names, len(matrices))
    side = square * len(names)
    # Places in a figure of one inch are inches, and what is saved is as large as what is drawn.
    with paper_figure(path, 1, 1, crop=True) as figure:
        for column, (name, matrix) in enumerate(matrices.items()):
            panel = figure.add_axes((column * (side + _GAP), 0, side, side))
            counts = matrix[np.ix_(shown, shown)]
            totals = counts.sum(axis=1, keepdims=True)  # NaN in a row without samples
            percent = np.where(totals > 0, 100 * counts / np.maximum(totals, 1), np.nan)
            image = _draw_panel(panel, percent, names, square)
            if column == 0:
                size = _name_size(names)
                panel.set_yticks(range(len(names)), names, fontsize=size, parse_math=False)
                panel.set_ylabel('True class')
            for a, b in [*outlined, *(pair[::-1] for pair in outlined)]:
                corner = b - 0.5, a - 0.5
                panel.add_patch(Rectangle(corner, 1, 1, fill=False, ec=VERMILION, lw=1, zorder=3))
            title = f'{name} ({100 * accuracy(matrix):.1f} %)'
            title = textwrap.fill(title, max(16, int(side * 16)))
            panel.set_title(title, fontsize=FONT + 1, pad=3, parse_math=False)
        bar = figure.add_axes((len(matrices) * (side + _GAP) - _GAP / 3, 0, 0.08, side))
        small = [1, 5, 10] if len(names) > MOST_NUMBERED else []
        ticks = [0, *small, 25, 50, 75, 100]
        figure.colorbar(image, cax=bar, ticks=ticks, label='Fraction of the true class (%)')
        if outlined:
            _explain_outline(figure)


def _occurring(matrices: Mapping[str, np.ndarray], num_classes: int) -> np.ndarray:
    occurs = np.zeros(num_classes, dtype=bool)
    for name, matrix in matrices.items():
        if matrix.shape != (num_classes, num_classes):
            raise ValueError(
                f'{name}: a matrix of shape {matrix.shape} for {num_classes} class names'
            )
        occurs |= (matrix.sum(axis=0) > 0) | (matrix.sum(axis=1) > 0)
    if not occurs.any():
        raise ValueError('there is no sample in the matrices')
    return np.flatnonzero(occurs)


def _name_size(names: Sequence[str]) -> float:
    return FONT if len(names) <= MOST_NUMBERED else _SMALL_FONT


def _square_side(names: Sequence[str], panels: int) -> float:
    """Side of a square in inches: what fits the page, unless that is too small to read."""
    least, most = _SIDE if len(names) <= MOST_NUMBERED else _SMALL_SIDE
    names_width = max(map(len, names)) * _name_size(names) * 0.52 / 72
    around = names_width + 0.75  # the label of the axis, the scale of colours
    width = COLUMN_WIDTH if panels == 1 else PAGE_WIDTH
    fits = ((width - around) / panels - _GAP) / len(names)
    return min(max(fits, least), most)


def _draw_panel(panel: Axes, percent: np.ndarray, names: Sequence[str], square: float) -> AxesImage:
    """The squares with their numbers, and the predicted classes below."""
    numbered = len(names) <= MOST_NUMBERED
    colours: Colormap = matplotlib.colormaps['Blues'].with_extremes(bad='0.92')
    # Without numbers a few per cent have to be seen by their colour.
    norm = Normalize(0, 100) if numbered else PowerNorm(0.5, 0, 100)
    image = panel.imshow(percent, cmap=colours, norm=norm, interpolation='nearest')
    turned: dict[str, Any] = dict(rotation=90)
    if numbered:
        long = max(map(len, names)) > 3
        turned = dict(rotation=45, ha='right', rotation_mode='anchor') if long else {}
    panel.set_xticks(
        range(len(names)), names, fontsize=_name_size(names), parse_math=False, **turned
    )
    panel.set_yticks([])
    panel.set_xlabel('Predicted class')
    for (row, column), value in np.ndenumerate(percent):
        if numbered and value >= 0.5:  # neither 0 nor NaN
            colour = _text_colour(colours(norm(value)))
            size = min(FONT, square * 72 * 0.42)
            at: dict[str, Any] = dict(ha='center', va='center_baseline')
            panel.text(column, row, f'{value:.0f}', fontsize=size, color=colour, **at)
    return image


def _text_colour(ground: Any) -> str:
    """Black or white, whichever has more contrast with an RGBA colour (WCAG 2)."""
    red, green, blue = (part**2.2 for part in ground[:3])
    return 'black' if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 else 'white'


def _explain_outline(figure: Figure) -> None:
    """Put a legend where nothing else is: left of the titles, above the names of the classes."""
    figure.legend(
        handles=[Patch(fill=False, edgecolor=VERMILION, label='confusable pair')],
        loc='lower right',
        bbox_to_anchor=(0, 1),
        bbox_transform=figure.axes[0].transAxes,
        frameon=False,
        borderaxespad=0,
        borderpad=0.2,
        handlelength=0.9,
        handleheight=0.9,
    )
