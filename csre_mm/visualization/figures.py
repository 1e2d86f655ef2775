"""What all figures share: sizes of a paper, a style, colours that all eyes tell apart, files."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib.style
from matplotlib.figure import Figure

from csre_mm.utils.errors import InputError
from csre_mm.utils.files import atomic_path

SUFFIXES = ('.png', '.pdf', '.svg')
DPI = 200
"""Dots per inch of a ``.png``."""
COLUMN_WIDTH, PAGE_WIDTH = 3.5, 7.2
"""Inches: a column of a paper, and a page of two of them."""
FONT = 7.0
"""Points: the smallest letters that print well."""

BLUE, VERMILION, GREEN = '#0072B2', '#D55E00', '#009E73'
COLOURS = (BLUE, VERMILION, GREEN, '#CC79A7', '#E69F00', '#56B4E9', '#000000')
"""Okabe and Ito's palette without its yellow, which white paper swallows."""
LONGEST_NAME = 30
"""Characters of a name in a figure."""

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


def check_suffix(path: str | os.PathLike) -> str:
    """Return the suffix of a figure's file in lower case.

    Raises:
        InputError: If it is none of :data:`SUFFIXES`.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(f'{path}: a figure is one of {" ".join(SUFFIXES)}')
    return suffix


def shorten(name: str) -> str:
    """Cut a name that is too long for a figure."""
    return name if len(name) <= LONGEST_NAME else f'{name[: LONGEST_NAME - 1]}…'


@contextmanager
def paper_style() -> Iterator[None]:
    """Draw and save figures in the same style, whatever the user's settings are."""
    with matplotlib.style.context(['default', _STYLE]):
        yield


def save_figure(figure: Figure, path: str | os.PathLike, crop: bool = False) -> None:
    """Write a figure; to be called within :func:`paper_style`.

    Args:
        figure: The figure.
        path: The file: ``.png`` with 200 dots per inch, ``.pdf`` or ``.svg``.
        crop: Whether the file is as large as what is drawn, rather than as the figure.

    Raises:
        InputError: If the suffix is another.
    """
    suffix = check_suffix(path)
    box = dict(bbox_inches='tight', pad_inches=0.03) if crop else {}
    with atomic_path(path) as file:
        figure.savefig(
            file,
            format=suffix[1:],
            dpi=DPI,
            metadata=_NO_DATE.get(suffix),
            **box,  # type: ignore[arg-type]
        )
