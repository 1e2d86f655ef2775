"""The table of a benchmark: means over seeds, and differences from the baseline with intervals."""

from typing import NamedTuple

import numpy as np

from csre_mm.evaluation.comparison import Comparison
from csre_mm.evaluation.significance import Difference, measure_difference
from csre_mm.experiments.plan import BASELINE
from csre_mm.experiments.results import ExperimentResult, Results
from csre_mm.utils.tables import percent


class Row(NamedTuple):
    """One model on one set of samples, with all seeds.

    Attributes:
        difference: From the baseline, over the seeds that both have; None for the baseline itself,
            or if the two have no seed in common.
    """

    config: str
    variant: str
    stream: str
    subset: str  # name of the samples
    checkpoint: str  # last or best
    seeds: tuple[int, ...]
    accuracies: tuple[float, ...]  # top-1 of each seed
    difference: Difference | None

    @property
    def mean(self) -> float:
        """Mean over the seeds."""
        return float(np.mean(self.accuracies))

    @property
    def deviation(self) -> float | None:
        """Standard deviation over the seeds; None for one seed."""
        return float(np.std(self.accuracies, ddof=1)) if len(self.accuracies) > 1 else None


HEADER = ('config', 'stream', 'variant', 'seeds', 'top-1', 'sd', 'change', '95 % interval')
"""Of a table of rows; the first three columns are text."""


def say_row(row: Row) -> list[str]:
    """A row of a table, in per cent."""
    deviation = '' if row.deviation is None else percent(row.deviation)
    change = interval = ''
    if row.difference is not None:
        low, high, _ = row.difference.interval
        change = percent(row.difference.mean, signed=True)
        interval = f'{percent(low, signed=True)} to {percent(high, signed=True)}'
    name = [row.config, row.stream, row.variant, ' '.join(map(str, row.seeds))]
    return [*name, percent(row.mean), deviation, change, interval]


def summarise(results: Results) -> list[Row]:
    """Compute the table: for the whole split, then each subset, the last epoch, then the best.

    Example:
        >>> results = Results('', '', 'val', False, ['s1', 's2'], [0, 1], 2, {}, {}, [])
        >>> predicted = {'last': [0, 0], 'best': [0, 1]}
        >>> results.experiments += [ExperimentResult('hcn_nwucla', 'csre', 'j', 0, predicted)]
        >>> [(row.checkpoint, row.mean) for row in summarise(results)]
        [('last', 0.5), ('best', 1.0)]
    """
    groups: dict[tuple[str, str, str], dict[int, ExperimentResult]] = {}
    for result in results.experiments:
        key = result.config, result.stream, result.variant
        groups.setdefault(key, {})[result.seed] = result
    rows = []
    for subset in (results.split, *results.subsets):
        mask = results.mask(subset)
        names, labels = np.array(results.names)[mask].tolist(), np.array(results.labels)[mask]
        for checkpoint in ('last', 'best'):
            predicted = {
                key: {s: np.array(r.predicted[checkpoint])[mask] for s, r in own.items()}
                for key, own in groups.items()
            }  # predictions (N,) of each seed
            for (config, stream, variant), after in predicted.items():
                before = predicted.get((config, stream, BASELINE), {})
                both = sorted(before.keys() & after.keys())
                difference = None
                if variant != BASELINE and both:
                    pairs = (np.stack([runs[s] for s in both]) for runs in (before, after))
                    comparison = Comparison(names, labels, results.num_classes, *pairs)
                    difference = measure_difference(comparison)
                seeds = tuple(sorted(after))
                top1 = tuple(float((after[s] == labels).mean()) for s in seeds)
                rows.append(
                    Row(config, variant, stream, subset, checkpoint, seeds, top1, difference)
                )
    return rows
