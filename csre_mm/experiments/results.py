"""What the runs of a benchmark measured, as one file that tables are made of.

The file is JSON, small enough to be published: of every cell the class that each sample was taken
for, so that any accuracy, difference and interval can be worked out again, and of every run its
command, commit, machine, time and log.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from csre_mm.evaluation.confusion import join_scores
from csre_mm.evaluation.ensemble import fuse
from csre_mm.evaluation.scores import Scores, load_scores
from csre_mm.evaluation.training_log import read_run
from csre_mm.experiments.plan import Cell, PlannedRun
from csre_mm.experiments.record import CHECKPOINTS, find_checkpoint, read_record
from csre_mm.utils.errors import InputError
from csre_mm.utils.files import atomic_path

LOGGED = ('loss', 'loss_cls', 'loss_contrast_spatial', 'loss_contrast_temporal', 'acc/top1')
"""What of a run's log is kept, a number an epoch."""


@dataclass
class CellResult:
    """What was measured for a cell.

    Attributes:
        config: Stem of the baseline's config file.
        arm: Name of the arm.
        stream: The stream, or those of an ensemble joined by ``+``.
        seed: Of the run.
        predicted: Classes (N,) that the samples were taken for, by checkpoint (``last``, ``best``).
        epochs: Epoch of each checkpoint, of each run.
        runs: Records of the runs, one or one a fold; none for an ensemble.
        weights: Of the streams of an ensemble.
    """

    config: str
    arm: str
    stream: str
    seed: int
    predicted: dict[str, list[int]]
    epochs: dict[str, list[int]] = field(default_factory=dict)
    runs: list[dict[str, Any]] = field(default_factory=list)
    weights: list[float] | None = None


@dataclass
class Results:
    """What was measured on one set of samples.

    Attributes:
        command: The command that carried it all out.
        title: What it is, for a heading.
        split: Name of the samples: the test split, or the training split that folds were held out
            of.
        held_out: Whether the samples are held-out subjects of the training set.
        names: Names of the samples (N,).
        labels: Their classes (N,).
        num_classes: C.
        subsets: Names of the samples of each subset.
        arms: Options in which the arms differ from their configs.
        cells: What was measured.
    """

    command: str
    title: str
    split: str
    held_out: bool
    names: list[str]
    labels: list[int]
    num_classes: int
    subsets: dict[str, list[str]]
    arms: dict[str, list[str]]
    cells: list[CellResult]

    def mask(self, subset: str) -> np.ndarray:
        """Which samples (N,) a subset has; the split's name gives all."""
        if subset == self.split:
            return np.ones(len(self.names), bool)
        return np.isin(self.names, self.subsets[subset])


def gather_cells(
    runs: Sequence[PlannedRun], weights: Mapping[str, float]
) -> tuple[list[CellResult], Scores]:
    """Read the scores of the cells whose runs are all finished.

    Args:
        runs: All planned runs.
        weights: Of the streams of an ensemble, by stream; empty for none.

    Returns:
        The cells, those of ensembles after the streams of their seed, and the scores of one of
        them for the names and labels.

    Raises:
        InputError: If no cell is finished, or score files are of other samples.
    """
    by_cell: dict[Cell, list[PlannedRun]] = {}
    for run in runs:
        by_cell.setdefault(run.cell, []).append(run)
    scores = {
        (cell, name): _read_scores(members, name)
        for cell, members in by_cell.items()
        if all((read_record(run.folder) or {}).get('finished') for run in members)
        for name in CHECKPOINTS
    }
    if not scores:
        raise InputError('no run is finished yet')
    joined = join_scores({_say(key): found for key, found in scores.items()})
    first = next(iter(joined.values()))
    streams = list(weights)
    cells = []
    for cell, members in by_cell.items():
        if (cell, 'last') not in scores:
            continue
        found = {name: joined[_say((cell, name))] for name in CHECKPOINTS}
        cells.append(_make_cell(cell, members, found))
        ensemble = [cell._replace(stream=stream) for stream in streams]
        if streams and cell == ensemble[-1] and all((c, 'last') in scores for c in ensemble):
            cells.append(_make_ensemble(ensemble, joined, list(weights.values())))
    return cells, first


def save_results(results: Results, path: str | os.PathLike) -> None:
    """Write results, lists of numbers and names on a line each."""
    with atomic_path(path) as temporary:
        temporary.write_text(_dump(asdict(results)) + '\n', encoding='utf-8')


def load_results(path: str | os.PathLike) -> Results:
    """Read results.

    Raises:
        InputError: If there is no such file, or it holds something else.
    """
    try:
        data = json.loads(Path(path).read_text(encoding='utf-8'))
        cells = [CellResult(**cell) for cell in data.pop('cells')]
        results = Results(**data, cells=cells)
        for cell in cells:
            for predicted in cell.predicted.values():
                if len(predicted) != len(results.names):
                    raise ValueError(f'{len(predicted)} predictions for {len(results.names)} names')
    except FileNotFoundError as error:
        raise InputError(f'no such results: {path}') from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(f'{path} holds no results of tools/benchmark_runs.py: {error}') from error
    return results


def _read_scores(runs: Sequence[PlannedRun], name: str) -> Scores:
    """The scores of a cell; folds are of different samples and are put together."""
    parts = [load_scores(run.folder / f'{name}.pkl') for run in runs]
    return Scores(
        [sample for part in parts for sample in part.names],
        np.concatenate([part.labels for part in parts]),
        np.concatenate([part.scores for part in parts]),
    )


def _make_cell(cell: Cell, runs: Sequence[PlannedRun], scores: Mapping[str, Scores]) -> CellResult:
    return CellResult(
        **cell._asdict(),
        predicted={name: found.scores.argmax(axis=1).tolist() for name, found in scores.items()},
        epochs={
            name: [find_checkpoint(run.folder, name)[1] for run in runs] for name in CHECKPOINTS
        },
        runs=[_describe(run) for run in runs],
    )


def _make_ensemble(
    cells: Sequence[Cell], joined: Mapping[str, Scores], weights: Sequence[float]
) -> CellResult:
    predicted = {}
    for name in CHECKPOINTS:
        fused = fuse([joined[_say((cell, name))] for cell in cells], weights)
        predicted[name] = fused.scores.argmax(axis=1).tolist()
    cell = cells[0]._replace(stream='+'.join(cell.stream for cell in cells))
    return CellResult(**cell._asdict(), predicted=predicted, weights=list(weights))


def _describe(run: PlannedRun) -> dict[str, Any]:
    """The record of a run with its log."""
    record = read_record(run.folder)
    assert record is not None
    kept = ('fold', 'command', 'attempts')
    log = read_run(run.folder)
    series = {key: log.series[key] for key in LOGGED if key in log.series}
    return {
        **{key: record[key] for key in kept},
        'log': {
            key: {
                'epoch': [int(x) for x in curve.x if x == int(x)],
                'value': [round(float(y), 4) for x, y in zip(*curve, strict=True) if x == int(x)],
            }
            for key, curve in series.items()
        },
    }


def _say(key: tuple[Cell, str]) -> str:
    (config, arm, stream, seed), checkpoint = key
    return f'{config}/{arm}/{stream}/seed{seed}/{checkpoint}'


def _dump(data: Any, indent: str = '') -> str:
    """JSON with an entry a line, but lists of plain values on one line."""
    deeper = indent + ' '
    if isinstance(data, dict) and data:
        items = [f'{deeper}{json.dumps(k)}: {_dump(v, deeper)}' for k, v in data.items()]
        return '{\n' + ',\n'.join(items) + f'\n{indent}}}'
    if isinstance(data, list) and any(isinstance(entry, dict | list) for entry in data):
        items = [deeper + _dump(entry, deeper) for entry in data]
        return '[\n' + ',\n'.join(items) + f'\n{indent}]'
    return json.dumps(data)
