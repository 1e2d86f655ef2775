"""What all figures have in common: sizes, style, colours that all readers can tell apart, files."""

import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Literal

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from csre_mm.utils.errors import InputError, printable
from csre_mm.utils.files import atomic_path

SUFFIXES = ('.png', '.pdf', '.svg')
DPI = 200
"""Dots per inch of a ``.png``."""
COLUMN_WIDTH, PAGE_WIDTH = 3.5, 7.2
"""Inches: a column of a paper, and a page of two of them."""
FONT = 7.0  # points: the smallest text that prints well

BLUE, VERMILION, GREEN = '#0072B2', '#D55E00', '#009E73'
COLOURS = (BLUE, VERMILION, GREEN, '#CC79A7', '#E69F00', '#56B4E9', '#000000')
"""Okabe and Ito's palette without its yellow, which white paper swallows."""
LONGEST_NAME = 30  # characters of a name in a figure

_STYLE = {
    'font.size': FONT,
    'axes.labelsize': FONT,
    'axes.titlesize': FONT + 1,
    'xtick.labelsize': FONT,
    'ytick.labelsize': FONT,
    'legend.fontsize': FONT,
    'axes.linewidth': 0.5,
    'lines.linewidth': 1.0,
    'xtick.major.width': 0.4,
    'ytick.major.width': 0.4,
    'xtick.major.size': 1.5,
    'ytick.major.size': 1.5,
    'xtick.major.pad': 1.5,
    'ytick.major.pad': 1.5,
    'pdf.fonttype': 42,  # fonts that publishers take
    'svg.hashsalt': 'csre_mm',  # the same figure is the same file
}
_NO_DATE: dict[str, dict[str, None]] = {'.pdf': {'CreationDate': None}, '.svg': {'Date': None}}


def check_figure(path: str | os.PathLike) -> str:
    """Return the suffix of a figure's file in lower case, one of :data:`SUFFIXES`."""
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(f'{path}: a figure is one of {" ".join(SUFFIXES)}')
    return suffix


def shorten(name: str) -> str:
    """Cut a name that is too long for a figure."""
    return name if len(name) <= LONGEST_NAME else f'{name[: LONGEST_NAME - 1]}…'


@contextmanager
def paper_figure(
    path: str | os.PathLike, width: float, height: float, crop: bool = False
) -> Iterator[Figure]:
    """A figure in the same style whatever the user's settings are, written after the block.

    The sizes are inches. With ``crop`` the file is as large as what is drawn, and nothing is fitted
    into the figure.
    """
    suffix = check_figure(path)
    box: dict[str, Any] = dict(bbox_inches='tight', pad_inches=0.03) if crop else {}
    with paper_style():
        figure = Figure((width, height), layout=None if crop else 'constrained')
        yield figure
        for text in figure.findobj(Text):  # names of files and samples
            text.set_text('\n'.join(map(printable, text.get_text().split('\n'))))
        with atomic_path(path) as file:
            metadata = _NO_DATE.get(suffix)
            figure.savefig(file, format=suffix[1:], dpi=DPI, metadata=metadata, **box)


def paper_style() -> AbstractContextManager:
    """The style of all figures, for a block."""
    return matplotlib.style.context(['default', _STYLE])


def set_rows(axes: Axes, names: Sequence[str]) -> None:
    """Name the rows 0, 1, ... of a panel, from top to bottom."""
    axes.set_yticks(range(len(names)), names, parse_math=False)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(axis='y', length=0)


def open_axes(axes: Axes, grid: Literal['x', 'y', 'both']) -> None:
    """Leave out the frame at the top and at the right, and draw a faint grid."""
    axes.spines[['top', 'right']].set_visible(False)
    axes.grid(axis=grid, lw=0.3, color='0.87')
    axes.set_axisbelow(True)
