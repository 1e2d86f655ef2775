"""Logs of training runs as curves, from the ``vis_data/scalars.json`` that mmengine writes.

The file has a line a log entry, each a JSON object. Entries of the training have ``iter``, counted
over the whole run, and ``epoch`` unless the run counts iterations; those of the validation have
``step``, which is the epoch, or the iteration. A run that is resumed writes another file, in a
folder named by the time.
"""

import json
import math
import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from csre_mm.utils.errors import InputError
from csre_mm.utils.files import read_text

_PLACES = ('epoch', 'iter', 'step')  # keys that say where in the run an entry is


class Series(NamedTuple):
    """A curve of P points."""

    x: np.ndarray  # epochs since the start, with fractions, or iterations
    y: np.ndarray


class Run(NamedTuple):
    """The curves of a run."""

    unit: str  # of ``x``: ``epoch`` or ``iteration``
    series: dict[str, Series]  # by the key in the log, such as ``acc/top1``
    notes: list[str]  # what was left out of the log, a sentence each

    @property
    def length(self) -> float:
        """The last epoch or iteration."""
        return max(float(series.x.max()) for series in self.series.values())

    def last(self, key: str) -> float:
        """The last value of a curve; NaN if there is none."""
        return float(self.series[key].y[-1]) if key in self.series else math.nan

    def best(self, key: str) -> tuple[float, float]:
        """The highest value of a curve and where it was reached first; NaN if there is none."""
        if key not in self.series:
            return math.nan, math.nan
        x, y = self.series[key].x, self.series[key].y
        place = int(np.argmax(np.where(np.isnan(y), -math.inf, y)))
        return float(y[place]), float(x[place])


def read_run(path: str | os.PathLike) -> Run:
    """Read the log of a run; files of a resumed run are joined.

    Where a file begins, what earlier ones have of this epoch and of later ones is dropped: the run
    went back to a checkpoint, or was started anew.

    Args:
        path: The working folder of the run, a folder in it, or a ``scalars.json``.

    Raises:
        InputError: If there is no log, a line is no JSON object (but the last one of a file, which
            a killed run leaves incomplete), or no entry is of the training.

    Example:
        >>> run = read_run('run')
        >>> run.series['loss'].y.tolist()
        [2.0, 1.0]
    """
    entries: list[dict[str, Any]] = []
    notes: list[str] = []
    files = find_logs(path)
    if not files:
        raise InputError(f'{path} holds no log of a run: expected */vis_data/scalars.json in it')
    for file in files:
        found, incomplete = _read_log(file)
        if incomplete:
            notes.append(f'{file}: the last line is incomplete and was left out.')
        trained = [entry for entry in found if 'iter' in entry]
        if trained:
            unit = 'epoch' if 'epoch' in trained[0] else 'iter'
            start = trained[0][unit]
            entries = [e for e in entries if e.get(unit, e.get('step', 0)) < start]
        entries += found
    training = [entry for entry in entries if 'iter' in entry]
    if not training:
        raise InputError(f'{path}: the log has no entry of a training')
    by_epoch = all('epoch' in entry for entry in training)
    length = 1
    if by_epoch:  # the fewest iterations that all entries agree with
        length = max(math.ceil(entry['iter'] / max(entry['epoch'], 1)) for entry in training) or 1
    points: dict[str, list[tuple[float, float]]] = {}
    for entry in entries:
        x = entry['iter'] / length if 'iter' in entry else entry.get('step')
        for key, value in entry.items():
            if key not in _PLACES and x is not None and _is_number(value):
                points.setdefault(key, []).append((float(x), float(value)))
    if not points:
        raise InputError(f'{path}: the log has no number but epochs and iterations')
    series = {key: Series(*np.array(of_key).T) for key, of_key in points.items()}  # (2, P)
    return Run('epoch' if by_epoch else 'iteration', series, notes)


def find_logs(path: str | os.PathLike) -> list[Path]:
    """The ``scalars.json`` files of a run, the oldest first; none if it has no log."""
    path = Path(path)
    if path.is_file():
        return [path]
    if not path.exists():
        raise InputError(f'no such run: {path}')
    for pattern in ('*/vis_data/scalars.json', 'vis_data/scalars.json', 'scalars.json'):
        files = sorted(path.glob(pattern))
        if files:
            return files
    return []


def smooth(series: Series, window: int) -> Series:
    """Take the mean of the ``window`` values around each value, of fewer at the ends."""
    before, after = window // 2, (window - 1) // 2
    means = [series.y[max(0, i - before) : i + after + 1].mean() for i in range(len(series.y))]
    return Series(series.x, np.array(means))


def _read_log(path: Path) -> tuple[list[dict[str, Any]], bool]:
    """Entries of a file, and whether its last line is incomplete."""
    lines = read_text(path).splitlines()
    entries: list[dict[str, Any]] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError) as error:
            if number == len(lines) and line.startswith('{'):
                return entries, True
            raise InputError(
                f'{path}, line {number}: expected a JSON object a line, as in the scalars.json '
                'that mmengine writes'
            ) from error
        if not isinstance(entry, dict) or not all(_is_place(entry.get(k, 0)) for k in _PLACES):
            raise InputError(f'{path}, line {number}: is no log entry of mmengine')
        entries.append(entry)
    return entries, False


def _is_number(value: Any) -> bool:
    """Whether it is a number that a float can hold, NaN and infinity included."""
    is_integer = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 53
    return is_integer or isinstance(value, float)


def _is_place(value: Any) -> bool:
    return _is_number(value) and 0 <= value < 1 << 53
