"""Which classes a recognizer takes for which, in NumPy.

C is the number of classes, N of samples. A matrix counts: row = true class, column = prediction.
"""

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from csre_mm.evaluation.scores import Scores, are_positions, list_names
from csre_mm.utils.errors import InputError


class PairAccuracy(NamedTuple):
    """How a recognizer does on two classes.

    Attributes:
        accuracy: Of the samples of the two classes, the share predicted right among all classes;
            NaN without samples.
        confused: Samples of one class that were taken for the other.
        samples: Samples of the two classes.
    """

    accuracy: float
    confused: int
    samples: int


def top1(scores: Scores) -> float:
    """Share of the samples whose highest score is at their class; of equal scores the first."""
    return float(np.mean(scores.scores.argmax(axis=1) == scores.labels))


def confusion_matrix(labels: np.ndarray, predictions: np.ndarray, num_classes: int) -> np.ndarray:
    """Count the samples of each class by what they were taken for.

    Args:
        labels: True classes (N,), integers.
        predictions: Predicted classes (N,), integers.
        num_classes: C.

    Returns:
        Counts (C, C), int64; row = true class.

    Raises:
        ValueError: If a class is outside 0 to C - 1, or the shapes are not those above.
    """
    labels, predictions = np.asarray(labels), np.asarray(predictions)
    if labels.ndim != 1 or labels.shape != predictions.shape:
        raise ValueError(
            f'labels {labels.shape} and predictions {predictions.shape}, expected the same (N,)'
        )
    for what, classes in (('label', labels), ('prediction', predictions)):
        outside = classes[(classes < 0) | (classes >= num_classes)]
        if outside.size:
            raise ValueError(f'{what} {outside[0]} is outside the classes 0 to {num_classes - 1}')
    cells = labels.astype(np.int64) * num_classes + predictions  # (N,)
    counts = np.bincount(cells, minlength=num_classes * num_classes)  # (C * C,)
    return counts.reshape(num_classes, num_classes).astype(np.int64)  # (C, C)


def matrix_of(scores: Scores) -> np.ndarray:
    """The confusion matrix (C, C) of scores."""
    predictions = scores.scores.argmax(axis=1)
    return confusion_matrix(scores.labels, predictions, scores.scores.shape[1])


def accuracy(matrix: np.ndarray) -> float:
    """Share of the counted samples on the diagonal of ``matrix`` (C, C); NaN without samples."""
    total = matrix.sum()
    return float(np.trace(matrix) / total) if total else float('nan')


def class_accuracies(matrix: np.ndarray) -> np.ndarray:
    """Share of each class's samples that were predicted right.

    Args:
        matrix: Counts (C, C).

    Returns:
        Shares (C,), float64; NaN for a class without samples.
    """
    counts = matrix.sum(axis=1)  # (C,)
    shares = np.full(len(matrix), np.nan)
    return np.divide(np.diagonal(matrix), counts, out=shares, where=counts > 0)


def mean_class_accuracy(matrix: np.ndarray) -> float:
    """Mean of :func:`class_accuracies` over the classes with samples; NaN if there are none."""
    shares = class_accuracies(matrix)
    present = ~np.isnan(shares)
    return float(shares[present].mean()) if present.any() else float('nan')


def pair_accuracy(scores: Scores, pair: tuple[int, int]) -> PairAccuracy:
    """Say how the samples of two classes were predicted.

    Args:
        scores: N samples with scores of C classes.
        pair: Two different classes. The other C - 2 classes remain possible predictions.
    """
    of_pair = np.isin(scores.labels, pair)  # (N,)
    labels = scores.labels[of_pair]
    predictions = scores.scores[of_pair].argmax(axis=1)
    right = predictions == labels
    confused = ~right & np.isin(predictions, pair)
    share = float(right.mean()) if right.size else float('nan')
    return PairAccuracy(share, int(confused.sum()), int(right.size))


def most_confused_pairs(matrix: np.ndarray, count: int) -> list[tuple[int, int]]:
    """Find the pairs of classes with the most samples taken for the other class of the pair.

    Args:
        matrix: Counts (C, C).
        count: The most pairs to return.

    Returns:
        Pairs (lower class, higher class), most confused first, of equal ones the lower classes
        first. Pairs that were never confused are left out.
    """
    low, high = np.triu_indices(len(matrix), k=1)  # (C * (C - 1) / 2,) each
    confused = matrix[low, high] + matrix[high, low]
    order = np.argsort(-confused, kind='stable')[:count]
    return [(int(low[i]), int(high[i])) for i in order if confused[i] > 0]


def join_scores(models: Mapping[str, Scores]) -> dict[str, Scores]:
    """Bring the scores of several models into one order, by the names of the samples.

    Args:
        models: Scores by the name of the model.

    Returns:
        The same in the same order of models; samples in the order of the first model.

    Raises:
        InputError: If the models were not tested on the same samples, labels and classes, or a
            name is there twice: the message says which model, and lists up to five samples.
    """
    for name, scores in models.items():
        _check_scores(name, scores)
    first, *others = models
    return {
        first: models[first],
        **{name: _reorder(first, models[first], name, models[name]) for name in others},
    }


def _check_scores(name: str, scores: Scores) -> None:
    samples = len(scores.names)
    if scores.scores.ndim != 2 or not scores.scores.size or scores.labels.shape != (samples,):
        raise InputError(
            f'{name}: scores of shape {scores.scores.shape} and labels of shape '
            f'{scores.labels.shape}, expected (samples, classes) and (samples,)'
        )
    twice = [sample for sample, times in Counter(scores.names).items() if times > 1]
    if twice:
        raise InputError(f'{name}: more than one sample is named {list_names(twice)}')
    finite = np.isfinite(scores.scores).all(axis=1)
    if not finite.all():
        which = [scores.names[i] for i in np.flatnonzero(~finite)]
        raise InputError(f'{name}: the scores are not all finite in {list_names(which)}')
    classes = scores.scores.shape[1]
    outside = (scores.labels < 0) | (scores.labels >= classes)
    if outside.any():
        which = [scores.names[i] for i in np.flatnonzero(outside)]
        raise InputError(
            f'{name}: there are scores of {classes} classes, and a label outside 0 to '
            f'{classes - 1} in {list_names(which)}'
        )


def _explain(models: Mapping[str, Scores]) -> str:
    """The end of a message about models that do not fit: whether positions stand for names."""
    numbered = [name for name, scores in models.items() if are_positions(scores.names)]
    if not numbered:
        return ''
    return (
        f'; {" and ".join(numbered)}: no frame_dir, so positions are the names of the samples; add '
        "'frame_dir' to meta_keys of PackActionInputs in the test pipeline and dump again"
    )


def _reorder(first: str, reference: Scores, name: str, scores: Scores) -> Scores:
    """``scores`` of model ``name`` in the order of ``reference``, which is of model ``first``."""
    if scores.scores.shape[1] != reference.scores.shape[1]:
        raise InputError(
            f'{name} has scores of {scores.scores.shape[1]} classes, {first} of '
            f'{reference.scores.shape[1]}'
        )
    hint = _explain({first: reference, name: scores})
    places = {sample: i for i, sample in enumerate(scores.names)}
    missing = [sample for sample in reference.names if sample not in places]
    if missing:
        raise InputError(f'{name} lacks samples that {first} has: {list_names(missing)}{hint}')
    known = set(reference.names)
    extra = [sample for sample in scores.names if sample not in known]
    if extra:
        raise InputError(f'{first} lacks samples that {name} has: {list_names(extra)}{hint}')
    order = np.array([places[sample] for sample in reference.names], dtype=np.int64)  # (N,)
    labels = scores.labels[order]
    differ = np.flatnonzero(labels != reference.labels)
    if differ.size:
        which = [reference.names[i] for i in differ]
        raise InputError(f'{first} and {name} have different labels for {list_names(which)}{hint}')
    return Scores(list(reference.names), labels, scores.scores[order])
