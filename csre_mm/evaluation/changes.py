"""What changed from one model to another: classes, confused pairs, samples.

C is the number of classes, N of samples, S of seeds.
"""

from statistics import fmean
from typing import NamedTuple

import numpy as np

from csre_mm.evaluation.comparison import Comparison
from csre_mm.evaluation.confusion import class_accuracies, confusion_matrix
from csre_mm.evaluation.significance import Difference, measure_difference


class ClassChange(NamedTuple):
    """Fractions of the samples of a class that are right, means over the seeds; gains of each."""

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
    """How many samples of two classes are misclassified as each other, means over the seeds."""

    classes: tuple[int, int]
    samples: int
    before: float
    after: float


class Flip(NamedTuple):
    """A sample that another number of runs has right."""

    name: str
    label: int
    before: tuple[int, ...]  # predictions of the runs of the first model (S,)
    after: tuple[int, ...]  # those of the second
    net: int  # runs that have it right after minus before; not 0


class Changes(NamedTuple):
    """What changed."""

    difference: Difference  # of the top-1 accuracies
    mean_class: tuple[float, float]  # before and after, means over the seeds
    classes: list[ClassChange]  # every one that occurs
    pairs: list[PairChange]  # every one that is confused
    gained: list[Flip]  # samples that more runs have right after
    lost: list[Flip]  # samples that fewer runs have right


def find_changes(comparison: Comparison) -> Changes:
    """Say what changed from the first model to the second.

    Example:
        >>> before, after = load_scores('baseline.pkl'), load_scores('csre.pkl')
        >>> found = find_changes(compare({'baseline': before}, {'csre': after}))
        >>> [flip.name for flip in found.gained]
        ['s05', 's08', 's11']
    """
    classes = class_changes(comparison)
    return Changes(
        measure_difference(comparison),
        (fmean(c.before for c in classes), fmean(c.after for c in classes)),
        classes,
        pair_changes(comparison),
        *find_flips(comparison),
    )


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
    changes = []
    for label in np.flatnonzero(counts).tolist():
        means = float(before[:, label].mean()), float(after[:, label].mean())
        gains = tuple((after - before)[:, label].tolist())
        changes.append(ClassChange(label, int(counts[label]), *means, gains))
    return sorted(changes, key=lambda change: (-round(change.gain, 12), change.label))


def pair_changes(comparison: Comparison) -> list[PairChange]:
    """The pairs of classes that are confused, those first that both together confuse most.

    Pairs chosen by the first model alone would seem to improve by chance (regression to the mean).
    """
    means = [matrices.mean(axis=0) for matrices in confusion_matrices(comparison)]  # (C, C) each
    low, high = np.triu_indices(comparison.num_classes, k=1)
    before, after = (mean[low, high] + mean[high, low] for mean in means)
    counts = np.bincount(comparison.labels, minlength=comparison.num_classes)
    pairs = []
    for i in np.argsort(-(before + after).round(9), kind='stable'):
        if before[i] + after[i] > 0:
            samples = int(counts[low[i]] + counts[high[i]])
            classes = int(low[i]), int(high[i])
            pairs.append(PairChange(classes, samples, float(before[i]), float(after[i])))
    return pairs


def find_flips(comparison: Comparison) -> tuple[list[Flip], list[Flip]]:
    """Samples that more runs have right after than before, and those that fewer have right.

    Both lists begin with the samples that most runs agree on, then go by name.
    """
    found = []
    net = comparison.difference.sum(axis=0, dtype=np.int64)  # (N,)
    for i in np.flatnonzero(net):
        before, after = (tuple(r[:, i].tolist()) for r in (comparison.before, comparison.after))
        label = int(comparison.labels[i])
        found.append(Flip(comparison.names[i], label, before, after, int(net[i])))
    found.sort(key=lambda flip: (-abs(flip.net), flip.name))
    return [flip for flip in found if flip.net > 0], [flip for flip in found if flip.net < 0]
