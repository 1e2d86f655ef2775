"""What changed from one model to another, each trained with one or more seeds, in numbers.

C is the number of classes, N of samples, S of seeds. "Before" is the first model, "after" the
second; run s of the one is paired with run s of the other. All of them were tested on the same
samples, so every difference is taken sample by sample.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from csre_mm.evaluation.confusion import class_accuracies, confusion_matrix, join_scores
from csre_mm.evaluation.scores import Scores
from csre_mm.utils.errors import InputError


class Comparison(NamedTuple):
    """Predictions of two models.

    Attributes:
        names: Names of the samples (N,).
        labels: Their classes (N,).
        num_classes: C.
        before: Predicted classes (S, N) of the first model.
        after: Those of the second.
    """

    names: list[str]
    labels: np.ndarray
    num_classes: int
    before: np.ndarray
    after: np.ndarray

    @property
    def difference(self) -> np.ndarray:
        """(S, N): 1 where only the second model is right, -1 where only the first is, else 0."""
        right_after, right_before = self.after == self.labels, self.before == self.labels
        return right_after.astype(np.int8) - right_before.astype(np.int8)

    @property
    def accuracies(self) -> tuple[np.ndarray, np.ndarray]:
        """Top-1 of the runs before and after, (S,) each."""
        return (self.before == self.labels).mean(axis=1), (self.after == self.labels).mean(axis=1)


class ClassChange(NamedTuple):
    """Accuracies of a class, means over the seeds.

    Attributes:
        label: The class.
        samples: How many samples it has.
        before: Share of them that is right.
        after: The same of the second model.
        gains: After minus before, of each seed (S,).
    """

    label: int
    samples: int
    before: float
    after: float
    gains: tuple[float, ...]

    @property
    def gain(self) -> float:
        """After minus before."""
        return self.after - self.before


class PairChange(NamedTuple):
    """Two classes that are taken for each other.

    Attributes:
        classes: The lower and the higher class.
        samples: How many samples the two have.
        before: Samples of the one taken for the other, mean over the seeds.
        after: The same of the second model.
    """

    classes: tuple[int, int]
    samples: int
    before: float
    after: float


class Flip(NamedTuple):
    """A sample that another number of runs has right.

    Attributes:
        name: Of the sample.
        label: Its class.
        before: Predictions of the runs of the first model (S,).
        after: Those of the second.
        net: Runs that have it right after minus before; not 0.
    """

    name: str
    label: int
    before: tuple[int, ...]
    after: tuple[int, ...]
    net: int


def compare(before: Mapping[str, Scores], after: Mapping[str, Scores]) -> Comparison:
    """Pair the runs of two models, joined by the names of the samples.

    Args:
        before: Scores of the first model's S runs, by a name for messages.
        after: Those of the second model, as many, by other names.

    Raises:
        ValueError: If a name is in both.
        InputError: If the numbers of runs differ, the runs are of other samples, labels or
            classes, or two runs of a model have the same scores, so that they are one.
    """
    if not before or len(before) != len(after):
        raise InputError(
            f'{len(before)} score files before and {len(after)} after, expected as many: '
            'they are compared in pairs'
        )
    if set(before) & set(after):
        raise ValueError(f'runs of both models are named {sorted(set(before) & set(after))}')
    joined = join_scores({**before, **after})
    for runs in (list(before), list(after)):
        for place, run in enumerate(runs):
            for other in runs[:place]:
                if np.array_equal(joined[run].scores, joined[other].scores):
                    raise InputError(f'{run} has the same scores as {other}: it is no other seed')
    first = next(iter(joined.values()))
    before_runs, after_runs = (
        np.stack([joined[run].scores.argmax(axis=1) for run in runs]) for runs in (before, after)
    )  # (S, N) each
    return Comparison(first.names, first.labels, first.scores.shape[1], before_runs, after_runs)


def confusion_matrices(comparison: Comparison) -> tuple[np.ndarray, np.ndarray]:
    """Counts (S, C, C) before and after; row = true class."""
    before, after = (
        np.stack([confusion_matrix(comparison.labels, run, comparison.num_classes) for run in runs])
        for runs in (comparison.before, comparison.after)
    )
    return before, after


def class_changes(comparison: Comparison) -> list[ClassChange]:
    """Accuracies of the classes that occur, the largest gain first, of equal ones the lower class.

    With many classes some gain and some lose by chance alone.
    """
    before, after = (
        np.stack([class_accuracies(matrix) for matrix in matrices])  # (S, C)
        for matrices in confusion_matrices(comparison)
    )
    counts = np.bincount(comparison.labels, minlength=comparison.num_classes)  # (C,)
    changes = [
        ClassChange(
            int(label),
            int(counts[label]),
            float(before[:, label].mean()),
            float(after[:, label].mean()),
            tuple((after - before)[:, label].tolist()),
        )
        for label in np.flatnonzero(counts)
    ]
    return sorted(changes, key=lambda change: (-round(change.gain, 12), change.label))


def pair_changes(comparison: Comparison, count: int) -> list[PairChange]:
    """The pairs of classes that the two models together confuse most.

    Pairs chosen by the first model alone would seem to improve by chance (regression to the mean).

    Args:
        comparison: The predictions.
        count: The most pairs to return; pairs that are never confused are left out.
    """
    means = [matrices.mean(axis=0) for matrices in confusion_matrices(comparison)]  # (C, C) each
    low, high = np.triu_indices(comparison.num_classes, k=1)
    before, after = (mean[low, high] + mean[high, low] for mean in means)
    counts = np.bincount(comparison.labels, minlength=comparison.num_classes)
    order = np.argsort(-(before + after).round(9), kind='stable')[:count]
    return [
        PairChange(
            (int(low[i]), int(high[i])),
            int(counts[low[i]] + counts[high[i]]),
            float(before[i]),
            float(after[i]),
        )
        for i in order
        if before[i] + after[i] > 0
    ]


def flips(comparison: Comparison) -> tuple[list[Flip], list[Flip]]:
    """Samples that more runs have right after than before, and those that fewer have right.

    Both lists begin with the samples that most runs agree on, then go by name.
    """
    net = comparison.difference.sum(axis=0, dtype=np.int64)  # (N,)
    found = [
        Flip(
            comparison.names[i],
            int(comparison.labels[i]),
            tuple(comparison.before[:, i].tolist()),
            tuple(comparison.after[:, i].tolist()),
            int(net[i]),
        )
        for i in np.flatnonzero(net)
    ]
    found.sort(key=lambda flip: (-abs(flip.net), flip.name))
    return [flip for flip in found if flip.net > 0], [flip for flip in found if flip.net < 0]
