"""What the runs of a benchmark measured, as one file that tables are made of.

The file is JSON, small enough to be published: for every experiment the predicted class of each
sample, so that any accuracy, difference and interval can be computed again, and for every run its
command, commit, machine, time and log.
"""

import json
import os
from dataclasses import asdict, dataclass, field
from typing import Any, TypedDict

import numpy as np

from csre_mm.experiments.record import CHECKPOINTS
from csre_mm.utils.errors import InputError
from csre_mm.utils.files import atomic_path, load_json
from csre_mm.utils.plain_values import brief
from csre_mm.utils.typed import check_type


class Attempt(TypedDict):
    """A training that was started, and how long it ran; None if its process was killed."""

    commit: str | None
    machine: str
    jobs: int
    seconds: float | None


class _NewerRecord(TypedDict, total=False):
    settings: str  # digest of the whole config; older files lack it


class RunRecord(_NewerRecord):
    """What is published of a run; ``log`` has ``epoch`` and ``value`` of each curve."""

    fold: int | None
    command: str
    attempts: list[Attempt]
    log: dict[str, dict[str, list[float]]]


@dataclass
class ExperimentResult:
    """What an experiment measured.

    Attributes:
        config, variant, stream, seed: The experiment; the streams of an ensemble joined by ``+``.
        predicted: Predicted classes (N,) of the samples, by checkpoint (``last``, ``best``).
        epochs: Epoch of each checkpoint, of each run.
        runs: Records of the runs, one or one per fold; none for an ensemble.
        weights: Of the streams of an ensemble.
    """

    config: str
    variant: str
    stream: str
    seed: int
    predicted: dict[str, list[int]]
    epochs: dict[str, list[int]] = field(default_factory=dict)
    runs: list[RunRecord] = field(default_factory=list)
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
        variants: Options in which the variants differ from their configs.
        experiments: What was measured.
    """

    command: str
    title: str
    split: str
    held_out: bool
    names: list[str]
    labels: list[int]
    num_classes: int
    subsets: dict[str, list[str]]
    variants: dict[str, list[str]]
    experiments: list[ExperimentResult]

    def mask(self, subset: str) -> np.ndarray:
        """Which samples (N,) a subset has; the split's name gives all."""
        if subset == self.split:
            return np.ones(len(self.names), bool)
        return np.isin(self.names, self.subsets[subset])


def save_results(results: Results, path: str | os.PathLike) -> None:
    """Write results, lists of numbers and names on a line each.

    Example:
        >>> results = Results('', 'A title', 'val', False, ['s1'], [0], 2, {}, {}, [])
        >>> save_results(results, 'results.json')
        >>> load_results('results.json') == results
        True
    """
    with atomic_path(path) as temporary:
        temporary.write_text(_dump(asdict(results)) + '\n', encoding='utf-8')


def load_results(path: str | os.PathLike) -> Results:
    """Read what :func:`save_results` wrote, such as a file of ``docs/results``.

    Raises:
        InputError: If there is no such file, it holds something else, a prediction is of no class,
            or an experiment comes twice.

    Example:
        >>> results = Results('', 'A title', 'val', False, ['s1'], [0], 2, {}, {}, [])
        >>> save_results(results, 'results.json')
        >>> load_results('results.json').title
        'A title'
    """
    where = f'{path} holds no results of tools/benchmark_runs.py'
    data = load_json(path)
    try:
        check_type(data, Results, 'the content')
        experiments = [ExperimentResult(**entry) for entry in data.pop('experiments')]
        results = Results(**data, experiments=experiments)
        _check_classes(results)
    except InputError as error:
        raise InputError(f'{where}: {error}') from error
    return results


def _check_classes(results: Results) -> None:
    """Check what the types leave open: lengths, classes, names and experiments that come twice."""
    names, labels = set(results.names), {'labels': results.labels}
    if len(names) != len(results.names):
        raise InputError('a name comes twice')
    for subset, members in results.subsets.items():
        if not names.issuperset(members):
            raise InputError(f'subset {brief(subset)} has a name that is not in names')
        if not members:
            raise InputError(f'subset {brief(subset)} has no name')
    seen = set()
    for result in results.experiments:
        key = result.config, result.variant, result.stream, result.seed
        if key in seen:
            raise InputError(f'the experiment {brief(key)} comes twice')
        seen.add(key)
        if not set(CHECKPOINTS) <= result.predicted.keys():
            raise InputError(f'{brief(key)} has no predictions of {", ".join(CHECKPOINTS)}')
        labels |= {f'{brief(key)} {name}': found for name, found in result.predicted.items()}
    for name, classes in labels.items():
        if len(classes) != len(results.names):
            raise InputError(f'{name}: {len(classes)} predictions for {len(results.names)} names')
        if classes and not 0 <= min(classes) <= max(classes) < results.num_classes:
            raise InputError(
                f'{name}: classes {min(classes)} to {max(classes)}, expected 0 to '
                f'{results.num_classes - 1}'
            )


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
