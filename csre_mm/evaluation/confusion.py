"""Which classes a recognizer confuses, in NumPy.

C is the number of classes, N of samples. A matrix counts: row = true class, column = prediction.
"""

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from csre_mm.evaluation.scores import Scores, are_positions, list_names
from csre_mm.utils.errors import InputError


class PairAccuracy(NamedTuple):
    """How a recognizer does on the samples of two classes."""

    accuracy: float  # among all classes; NaN without samples
    confused: int  # samples of one that were misclassified as the other
    samples: int


def confusion_matrix(labels: np.ndarray, predictions: np.ndarray, num_classes: int) -> np.ndarray:
    """Count the samples of each class by their prediction.

    Args:
        labels: True classes (N,), integers.
        predictions: Predicted classes (N,), integers.
        num_classes: C.

    Returns:
        Counts (C, C), int64; row = true class.

    Raises:
        ValueError: If a class is outside 0 to C - 1, or the shapes are not those above.

    Example:
        >>> confusion_matrix([0, 0, 1], [0, 1, 1], 2).tolist()
        [[1, 1], [0, 1]]
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
    matrix = np.zeros((num_classes, num_classes), np.int64)
    np.add.at(matrix, (labels.astype(np.int64), predictions.astype(np.int64)), 1)
    return matrix


def matrix_of(scores: Scores) -> np.ndarray:
    """The confusion matrix (C, C) of scores.

    Example:
        >>> matrix_of(load_scores('csre.pkl')).shape
        (3, 3)
    """
    predictions = scores.scores.argmax(axis=1)
    return confusion_matrix(scores.labels, predictions, scores.scores.shape[1])


def accuracy(matrix: np.ndarray) -> float:
    """Fraction of the counted samples on the diagonal of a matrix (C, C); NaN without samples."""
    total = matrix.sum()
    return float(np.trace(matrix) / total) if total else float('nan')


def class_accuracies(matrix: np.ndarray) -> np.ndarray:
    """Fraction (C,) of each class's samples on the diagonal of a matrix (C, C); NaN without any.

    Example:
        >>> class_accuracies(np.array([[3, 1], [0, 2]])).tolist()
        [0.75, 1.0]
    """
    counts = matrix.sum(axis=1)  # (C,)
    unknown = np.full(len(matrix), np.nan)
    return np.divide(np.diagonal(matrix), counts, out=unknown, where=counts > 0)


def mean_class_accuracy(matrix: np.ndarray) -> float:
    """Mean of :func:`class_accuracies` over the classes with samples; NaN if there are none."""
    return float(np.nanmean(class_accuracies(matrix))) if matrix.any() else float('nan')


def pair_accuracy(matrix: np.ndarray, pair: tuple[int, int]) -> PairAccuracy:
    """Say how the samples of two different classes were predicted, among all classes."""
    a, b = pair
    samples = int(matrix[[a, b]].sum())
    right = float((matrix[a, a] + matrix[b, b]) / samples) if samples else float('nan')
    return PairAccuracy(right, int(matrix[a, b] + matrix[b, a]), samples)


def most_confused_pairs(matrix: np.ndarray, count: int) -> list[tuple[int, int]]:
    """Find the pairs of classes with the most samples misclassified as the other of the pair.

    Args:
        matrix: Counts (C, C).
        count: The most pairs to return; those that were never confused are left out.

    Returns:
        Pairs (lower class, higher class), the most confused first.

    Example:
        >>> most_confused_pairs(np.array([[9, 1, 0], [2, 9, 0], [0, 1, 9]]), 5)
        [(0, 1), (1, 2)]
    """
    low, high = np.triu_indices(len(matrix), k=1)  # (C * (C - 1) / 2,) each
    confused = matrix[low, high] + matrix[high, low]
    order = np.argsort(-confused, kind='stable')[:count]
    return [(int(low[i]), int(high[i])) for i in order if confused[i] > 0]


def join_scores(models: Mapping[str, Scores]) -> dict[str, Scores]:
    """Bring the scores of several models into one order, according to the names of the samples.

    Args:
        models: Scores by the name of the model.

    Returns:
        The same in the same order of models; samples in the order of the first model.

    Raises:
        InputError: If the models were not tested on the same samples, labels and classes, or a
            name occurs twice: the message says which model, and lists up to five samples.

    Example:
        >>> joint, bone = load_scores('baseline.pkl'), load_scores('csre.pkl')
        >>> list(join_scores({'joint': joint, 'bone': bone}))
        ['joint', 'bone']
    """
    for name, scores in models.items():
        _check_scores(name, scores)
    first = next(iter(models))
    return {name: _reorder(first, models[first], name, own) for name, own in models.items()}


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
    classes = scores.scores.shape[1]
    bad = ~np.isfinite(scores.scores).all(axis=1)
    outside = (scores.labels < 0) | (scores.labels >= classes)
    for which, what in (
        (bad, 'the scores are not all finite'),
        (outside, f'scores of {classes} classes, and a label outside 0 to {classes - 1}'),
    ):
        if which.any():
            names = list_names([scores.names[i] for i in np.flatnonzero(which)])
            raise InputError(f'{name}: {what} in {names}')


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
    known = set(reference.names)
    missing = [sample for sample in reference.names if sample not in places]
    if missing:
        raise InputError(f'{name} lacks samples that {first} has: {list_names(missing)}{hint}')
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
