"""Confusion matrices of several models as one picture."""

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
    paper_style,
    save_figure,
    shorten,
)

MOST_NUMBERED = 20
"""With more classes than this the cells hold no numbers."""

_CELL = (0.17, 0.45)  # inches, least and most, of a cell with a number
_SMALL_CELL = (0.075, 0.12)  # and of one without: room for a line of _SMALL_FONT
_SMALL_FONT = 5.0  # points
_GAP = 0.15  # inches between panels


def draw_confusion(
    matrices: Mapping[str, np.ndarray],
    class_names: Sequence[str],
    path: str | os.PathLike,
    pairs: Sequence[tuple[int, int]] = (),
) -> None:
    """Draw a panel a model, side by side, as percentages of each true class.

    Classes that occur in no matrix, neither as a true class nor as a prediction, are left out.
    The colours are the same in all panels; the title of a panel has the model's accuracy.

    Args:
        matrices: Counts (C, C) by the name of the model; row = true class.
        class_names: Names of the C classes.
        path: The file: ``.png`` with 200 dots per inch, ``.pdf`` or ``.svg``.
        pairs: Pairs of classes whose two cells are outlined.

    Raises:
        InputError: If the suffix is another.
        ValueError: If there is nothing to draw, or the shapes do not fit.
    """
    shown = _occurring(matrices, len(class_names))
    with paper_style():
        figure = _draw(matrices, [class_names[i] for i in shown], shown, pairs)
        save_figure(figure, path, crop=True)


def _occurring(matrices: Mapping[str, np.ndarray], num_classes: int) -> np.ndarray:
    """Classes to show, ascending."""
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


def _draw(
    matrices: Mapping[str, np.ndarray],
    names: Sequence[str],
    shown: np.ndarray,
    pairs: Sequence[tuple[int, int]],
) -> Figure:
    """Panels, one scale of colours, and what an outline means.

    The figure is of one inch, so that places in it are inches, and what is saved is as large as
    what is drawn: nothing has to be fitted to the text.
    """
    numbered = len(names) <= MOST_NUMBERED
    names = [shorten(name) for name in names]
    cell = _cell_size(names, len(matrices))
    side = cell * len(names)
    # Without numbers a few per cent have to be seen by their colour.
    norm = Normalize(0, 100) if numbered else PowerNorm(0.5, 0, 100)
    places = {int(label): place for place, label in enumerate(shown)}
    outlined = [(places[a], places[b]) for a, b in pairs if a in places and b in places]
    figure = Figure(figsize=(1, 1))
    for column, (name, matrix) in enumerate(matrices.items()):
        panel = figure.add_axes((column * (side + _GAP), 0, side, side))
        counts = matrix[np.ix_(shown, shown)]
        totals = counts.sum(axis=1, keepdims=True)  # NaN in a row without samples
        percent = np.where(totals > 0, 100 * counts / np.maximum(totals, 1), np.nan)
        image = _draw_panel(panel, percent, names, norm)
        if column == 0:
            panel.set_yticks(range(len(names)), names, fontsize=_name_size(names), parse_math=False)
            panel.set_ylabel('True class')
        if numbered:
            _write_numbers(panel, percent, image, min(FONT, cell * 72 * 0.42))
        for corner in [(b - 0.5, a - 0.5) for pair in outlined for a, b in (pair, pair[::-1])]:
            panel.add_patch(Rectangle(corner, 1, 1, fill=False, ec=VERMILION, lw=1.0, zorder=3))
        title = textwrap.fill(f'{name} ({100 * accuracy(matrix):.1f} %)', max(16, int(side * 16)))
        panel.set_title(title, fontsize=FONT + 1, pad=3, parse_math=False)
    bar = figure.add_axes((len(matrices) * (side + _GAP) - _GAP / 3, 0, 0.08, side))
    ticks = [0, 25, 50, 75, 100] if numbered else [0, 1, 5, 10, 25, 50, 75, 100]
    figure.colorbar(image, cax=bar, ticks=ticks, label='Share of the true class (%)')
    if outlined:
        _explain_outline(figure)
    return figure


def _name_size(names: Sequence[str]) -> float:
    """Points of the letters of class names."""
    return FONT if len(names) <= MOST_NUMBERED else _SMALL_FONT


def _cell_size(names: Sequence[str], panels: int) -> float:
    """Side of a cell in inches: what fits the page, unless that is too small to read."""
    least, most = _CELL if len(names) <= MOST_NUMBERED else _SMALL_CELL
    names_width = max(map(len, names)) * _name_size(names) * 0.52 / 72
    around = names_width + 0.75  # the label of the axis, the scale of colours
    width = COLUMN_WIDTH if panels == 1 else PAGE_WIDTH
    fits = ((width - around) / panels - _GAP) / len(names)
    return min(max(fits, least), most)


def _draw_panel(
    panel: Axes, percent: np.ndarray, names: Sequence[str], norm: Normalize
) -> AxesImage:
    colours: Colormap = matplotlib.colormaps['Blues'].with_extremes(bad='0.92')
    image = panel.imshow(percent, cmap=colours, norm=norm, interpolation='nearest')
    if len(names) > MOST_NUMBERED:
        turned: dict[str, Any] = dict(rotation=90)
    elif max(map(len, names)) > 3:
        turned = dict(rotation=45, ha='right', rotation_mode='anchor')
    else:
        turned = {}
    size = _name_size(names)
    panel.set_xticks(range(len(names)), names, fontsize=size, parse_math=False, **turned)
    panel.set_yticks([])
    panel.set_xlabel('Predicted class')
    return image


def _write_numbers(panel: Axes, percent: np.ndarray, image: AxesImage, size: float) -> None:
    """Whole per cents in the cells, black or white by what is under them; none where 0."""
    for (row, column), value in np.ndenumerate(percent):
        if np.isnan(value) or value < 0.5:
            continue
        panel.text(
            column,
            row,
            f'{value:.0f}',
            ha='center',
            va='center_baseline',
            fontsize=size,
            color=_ink(image.cmap(image.norm(value))),
        )


def _ink(ground: Any) -> str:
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
