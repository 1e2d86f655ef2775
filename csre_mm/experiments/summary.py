"""The table of a benchmark: means over seeds, and differences from the baseline with intervals."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from csre_mm.evaluation.comparison import Comparison
from csre_mm.evaluation.significance import Difference, measure_difference
from csre_mm.experiments.plan import BASELINE
from csre_mm.experiments.results import CellResult, Results


class Row(NamedTuple):
    """One model on one set of samples, with all seeds.

    Attributes:
        config: Stem of the baseline's config file.
        arm: Name of the arm.
        stream: The stream, or those of an ensemble.
        subset: Name of the samples.
        checkpoint: ``last`` or ``best``.
        seeds: Of the runs (S,).
        accuracies: Top-1 of each (S,).
        difference: From the baseline, over the seeds that both have; None for the baseline itself,
            or if it has no seed in common with it.
    """

    config: str
    arm: str
    stream: str
    subset: str
    checkpoint: str
    seeds: tuple[int, ...]
    accuracies: tuple[float, ...]
    difference: Difference | None

    @property
    def mean(self) -> float:
        """Mean over the seeds."""
        return float(np.mean(self.accuracies))

    @property
    def deviation(self) -> float | None:
        """Standard deviation over the seeds; None for one seed."""
        return float(np.std(self.accuracies, ddof=1)) if len(self.accuracies) > 1 else None


def summarise(results: Results) -> list[Row]:
    """Work out the table, for the whole split, then each subset, last epoch before best."""
    groups: dict[tuple[str, str, str], dict[int, CellResult]] = {}
    for cell in results.cells:
        groups.setdefault((cell.config, cell.stream, cell.arm), {})[cell.seed] = cell
    return [
        row
        for subset in (results.split, *results.subsets)
        for checkpoint in ('last', 'best')
        for row in _rows(results, groups, subset, checkpoint)
    ]


def _rows(
    results: Results,
    groups: dict[tuple[str, str, str], dict[int, CellResult]],
    subset: str,
    checkpoint: str,
) -> Iterator[Row]:
    mask = results.mask(subset)
    labels = np.array(results.labels)[mask]
    names = np.array(results.names)[mask].tolist()
    for (config, stream, arm), cells in groups.items():
        predicted = {s: np.array(c.predicted[checkpoint])[mask] for s, c in cells.items()}
        difference = None
        before = groups.get((config, stream, BASELINE), {})
        both = sorted(set(before) & set(cells))
        if arm != BASELINE and both:
            pairs = Comparison(
                names,
                labels,
                results.num_classes,
                np.stack([np.array(before[s].predicted[checkpoint])[mask] for s in both]),
                np.stack([predicted[s] for s in both]),
            )
            difference = measure_difference(pairs)
        seeds = tuple(sorted(cells))
        accuracies = tuple(float((predicted[s] == labels).mean()) for s in seeds)
        yield Row(config, arm, stream, subset, checkpoint, seeds, accuracies, difference)
