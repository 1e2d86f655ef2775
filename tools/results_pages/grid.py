"""The answer of the protocol in docs/results.md: changes of the encoders, pooled over data sets."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from csre_mm.evaluation.significance import interval_of, resample
from csre_mm.experiments.plan import BASELINE
from csre_mm.experiments.results import Results
from csre_mm.utils.errors import InputError
from results_pages.zoo import BENCHMARKS, ENCODERS, split_name

PREFIX = 'pays_'
"""What the names of the protocol's results files begin with."""
_Key = tuple[str, str]


class Change(NamedTuple):
    """How a variant changes the last epoch's top-1 of an encoder, or of several on average.

    Attributes:
        encoder: Its name, or that of the mean.
        data: Names of the data sets.
        variant: Of CSRE.
        seeds: Pairs of runs of each encoder and data set: the fewest and the most.
        baseline: Top-1 of the baseline.
        mean: Of variant minus baseline.
        low, high: Ends of the interval of ``mean``.
    """

    encoder: str
    data: tuple[str, ...]
    variant: str
    seeds: tuple[int, int]
    baseline: float
    mean: float
    low: float
    high: float


def pooled_changes(grid: Iterable[Results], variant: str) -> list[Change]:
    """The change of each encoder on each data set and on all, and of the mean of the encoders.

    The mean is over the encoders that have results on all data sets.

    Args:
        grid: Results of one encoder on one data set each.
        variant: Compared with the baseline, over the seeds that both have.

    Raises:
        InputError: If an encoder comes twice on a data set, or the samples of a data set differ.
    """
    of_data: dict[str, dict[str, tuple[np.ndarray, np.ndarray]]] = {}
    names_of: dict[str, list[str]] = {}
    for results in grid:
        order = np.argsort(results.names)
        for (encoder, data), pair in _pairs(results, variant).items():
            if sorted(results.names) != names_of.setdefault(data, sorted(results.names)):
                raise InputError(f'{results.title}: other samples than other results on {data}')
            if encoder in of_data.setdefault(data, {}):
                raise InputError(f'{results.title}: there are two results of {encoder} on {data}')
            of_data[data][encoder] = (pair[0][:, order], pair[1][:, order])
    names = [data for data in BENCHMARKS if data in of_data]
    measured: dict[_Key, tuple[np.ndarray, np.ndarray]] = {}
    drawn: dict[_Key, np.ndarray] = {}
    for place, data in enumerate(names):
        differences = [after - before for before, after in of_data[data].values()]
        for encoder, values in zip(of_data[data], resample(differences, seed=place), strict=True):
            measured[encoder, data], drawn[encoder, data] = of_data[data][encoder], values
    rows, whole = [], []
    for encoder in ENCODERS:
        own = [data for data in names if (encoder, data) in measured]
        rows += [_change((encoder,), (data,), variant, measured, drawn) for data in own]
        if len(own) == len(names) > 1:
            rows.append(_change((encoder,), own, variant, measured, drawn))
            whole.append(encoder)
    if len(whole) > 1:
        for chosen in (*([data] for data in names), names):
            rows.append(_change(whole, chosen, variant, measured, drawn))
    return rows


def _pairs(results: Results, variant: str) -> dict[_Key, tuple[np.ndarray, np.ndarray]]:
    """Of each encoder and data set what is right (S, N) of joints, without CSRE and with it."""
    labels = np.array(results.labels)
    right: dict[_Key, dict[str, dict[int, np.ndarray]]] = {}
    for result in (result for result in results.experiments if result.stream == 'j'):
        own = right.setdefault(split_name(result.config), {})
        hits = (np.array(result.predicted['last']) == labels).astype(np.int8)
        own.setdefault(result.variant, {})[result.seed] = hits
    found = {}
    for key, own in right.items():
        before, after = own.get(BASELINE, {}), own.get(variant, {})
        both = sorted(before.keys() & after.keys())
        if both:
            pair = (np.stack([runs[seed] for seed in both]) for runs in (before, after))
            found[key] = (next(pair), next(pair))
    return found


def _change(
    encoders: Sequence[str],
    names: Sequence[str],
    variant: str,
    measured: Mapping[_Key, tuple[np.ndarray, np.ndarray]],
    drawn: Mapping[_Key, np.ndarray],
) -> Change:
    """Samples of all data sets count alike, and so do encoders."""
    sizes = {data: measured[encoders[0], data][0].shape[1] for data in names}
    weights = {data: size / sum(sizes.values()) / len(encoders) for data, size in sizes.items()}
    chosen = [(e, data, weight) for e in encoders for data, weight in weights.items()]
    baseline = sum(weight * measured[e, data][0].mean() for e, data, weight in chosen)
    after = sum(weight * measured[e, data][1].mean() for e, data, weight in chosen)
    values = sum(weight * drawn[e, data] for e, data, weight in chosen)
    seeds = [len(measured[e, data][0]) for e, data, _ in chosen]
    low, high = interval_of(np.asarray(values))
    name = ENCODERS[encoders[0]].name if len(encoders) == 1 else f'mean of {len(encoders)}'
    data = tuple(BENCHMARKS[each] for each in names)
    change, pairs = float(after - baseline), (min(seeds), max(seeds))
    return Change(name, data, variant, pairs, float(baseline), change, low, high)
