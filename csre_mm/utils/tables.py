"""Tables of plain text, for terminals and log files of any width."""

import math
from collections.abc import Sequence

from csre_mm.utils.errors import printable


def percent(fraction: float, signed: bool = False) -> str:
    """A fraction in per cent with two digits, or a dash for NaN."""
    if math.isnan(fraction):
        return '-'
    return f'{100 * fraction + 0.0:+.2f}' if signed else f'{100 * fraction:.2f}'


def format_table(
    header: Sequence[str], rows: Sequence[Sequence[str]], left: Sequence[int] = (0,)
) -> str:
    """Align the cells of a table below its header, lines without trailing blanks.

    Columns of ``left`` are aligned to the left, the others, which hold numbers, to the right.
    """
    rows = [[printable(cell) for cell in row] for row in rows]
    header = [printable(title) for title in header]
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = [header, ['-' * width for width in widths], *rows]
    aligned = (
        '  '.join(
            cell.ljust(width) if place in left else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    )
    return '\n'.join(line.rstrip() for line in aligned)
