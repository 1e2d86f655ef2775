"""Fusing the scores of several streams: a weighted sum, and where its weights come from.

N is the number of samples, C of classes, K of streams.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import scipy.special

from csre_mm.evaluation.confusion import matrix_of, mean_class_accuracy
from csre_mm.evaluation.scores import Scores, list_names
from csre_mm.utils.errors import InputError

ORDER = ('joint', 'bone', 'joint_motion', 'bone_motion')
"""The streams that the weights of a preset belong to."""
_SHORT = {'j': 0, 'b': 1, 'jm': 2, 'bm': 3}


class Preset(NamedTuple):
    """Published weights."""

    weights: tuple[float, float, float, float]  # of the streams in ORDER
    numbers: tuple[int, ...]  # of streams that the first weights are published for
    source: str


PRESETS = {
    'ctrgcn': Preset((0.6, 0.6, 0.4, 0.4), (2, 3, 4), "CTR-GCN's release, ensemble.py"),
    'mmaction2': Preset((2, 2, 1, 1), (2, 4), "mmaction2's configs/skeleton/stgcn/README.md"),
    'hyperformer-ntu': Preset((0.4, 0.6, 0.2, 0.2), (4,), "Hyperformer's release, ensemble.py"),
    'hyperformer-nwucla': Preset((0.4, 0.4, 0.3, 0.2), (4,), "Hyperformer's release, ensemble.py"),
    'blockgcn-ntu': Preset((0.6, 0.7, 0.35, 0.2), (4,), "BlockGCN's release, ensemble.py"),
    'blockgcn-nwucla': Preset((0.7, 0.5, 0.6, 0.2), (4,), "BlockGCN's release, ensemble.py"),
}

GRID = tuple(tenth / 10 for tenth in range(21))
"""Weights that :func:`fit_weights` tries for a stream: 0 to 2."""
_SWEEPS = 20


class Accuracy(NamedTuple):
    """Top-1 and top-5, and the mean top-1 of the classes that occur; of equal scores the first."""

    top1: float
    top5: float
    mean_class: float


def accuracies(scores: Scores) -> Accuracy:
    """Evaluate scores (N, C)."""
    return Accuracy(topk(scores, 1), topk(scores, 5), mean_class_accuracy(matrix_of(scores)))


def topk(scores: Scores, k: int) -> float:
    """Fraction of samples whose class is among the ``k`` highest scores, lower classes first."""
    own = np.take_along_axis(scores.scores, scores.labels[:, None], axis=1)  # (N, 1)
    lower = np.arange(scores.scores.shape[1]) < scores.labels[:, None]  # (N, C)
    ahead = (scores.scores > own) | ((scores.scores == own) & lower)
    return float(np.mean(ahead.sum(axis=1) < k))


def are_probabilities(scores: Scores) -> bool:
    """Whether the rows look like probabilities, to the precision of bfloat16, or like logits."""
    totals = scores.scores.sum(axis=1, dtype=np.float64)
    return bool((scores.scores >= 0).all() and (np.abs(totals - 1) < 0.02).all())


def to_probabilities(scores: Scores) -> Scores:
    """Take the softmax of logits (N, C)."""
    probabilities = scipy.special.softmax(scores.scores.astype(np.float64), axis=1)
    return scores._replace(scores=probabilities.astype(np.float32))


def fuse(streams: Sequence[Scores], weights: Sequence[float]) -> Scores:
    """Sum the scores of streams, joined before by :func:`join_scores`, times their weights.

    Returns:
        Scores (N, C) in float32, the precision of a score file, summed in float64.

    Raises:
        InputError: If the streams are not joined, or the weights do not pass :func:`check_weights`.

    Example:
        >>> streams = [load_scores('baseline.pkl'), load_scores('csre.pkl')]
        >>> topk(fuse(streams, [0.4, 0.6]), 1)
        0.75
    """
    _check_joined(streams)
    weights = check_weights(weights, len(streams))
    total = sum(w * s.scores.astype(np.float64) for w, s in zip(weights, streams, strict=True))
    return streams[0]._replace(scores=np.asarray(total, np.float32))


def _check_joined(streams: Sequence[Scores]) -> None:
    if not streams or any(stream.names != streams[0].names for stream in streams):
        raise InputError('expected streams of the same samples in one order, as join_scores gives')


def check_weights(weights: Sequence[float], num_streams: int) -> tuple[float, ...]:
    """Refuse weights that are not as many as there are streams, negative, not finite or all 0."""
    if len(weights) != num_streams:
        raise InputError(f'{num_streams} streams take {num_streams} weights, not {len(weights)}')
    if not all(math.isfinite(w) and w >= 0 for w in weights) or not any(weights):
        shown = ' '.join(f'{w:g}' for w in weights)
        raise InputError(f'the weights {shown}: expected numbers from 0, and one above 0')
    return tuple(weights)


def preset_weights(preset: str, names: Sequence[str]) -> tuple[float, ...]:
    """Weights of a preset for streams whose names do not contradict :data:`ORDER`."""
    weights, numbers, _ = PRESETS[preset]
    if len(names) not in numbers:
        known = ' or '.join(map(str, numbers))
        raise InputError(f'the preset {preset} is for {known} streams, not for {len(names)}')
    plain = [name.lower().replace('-', '_') for name in names]
    places = [ORDER.index(name) if name in ORDER else _SHORT.get(name) for name in plain]
    if None not in places and places != list(range(len(names))):
        expected, given = ' '.join(ORDER[: len(names)]), ' '.join(names)
        raise InputError(f'the preset {preset} is for streams in the order {expected}, not {given}')
    return weights[: len(names)]


def fit_weights(streams: Sequence[Scores]) -> tuple[float, ...]:
    """Search the weights of the highest top-1 accuracy, one stream after the other.

    From equal weights, the weight of each stream in turn becomes the one of :data:`GRID` with the
    most samples right; of several, the one nearest to 1. It ends when a round changes nothing.
    It draws no random numbers; the result is the best of its neighbours, not of all weights.

    Args:
        streams: Joined scores of samples that are *not* reported.

    Returns:
        K weights.

    Raises:
        InputError: If the streams are not joined.

    Example:
        >>> fit_weights([load_scores('baseline.pkl'), load_scores('csre.pkl')])
        (0.9, 1.0)
    """
    _check_joined(streams)
    parts = [stream.scores.astype(np.float64) for stream in streams]  # K of (N, C)
    labels, weights = streams[0].labels, [1.0] * len(streams)
    for _ in range(_SWEEPS):
        before = list(weights)
        for place, part in enumerate(parts):
            weights[place] = 0.0
            rest = sum(w * p for w, p in zip(weights, parts, strict=True))  # (N, C)
            right: dict[float, int] = {}
            for weight in GRID:
                if weight or any(weights):  # in float32, as the fused scores are
                    fused = np.asarray(rest + weight * part, np.float32)
                    right[weight] = int(np.count_nonzero(fused.argmax(axis=1) == labels))
            weights[place] = max(right, key=lambda w: (right[w], -abs(w - 1)))
        if weights == before:
            break
    return tuple(weights)


def check_fitting(fitting: Mapping[str, Scores], reported: Mapping[str, Scores]) -> None:
    """Refuse to fit on samples that are reported, other classes, or another kind of scores."""
    for name, scores in reported.items():
        ours, theirs = scores.scores.shape[1], fitting[name].scores.shape[1]
        if ours != theirs:
            raise InputError(f'--fit-on has {theirs} classes for {name}, {ours} are reported')
        if are_probabilities(scores) != are_probabilities(fitting[name]):
            raise InputError(
                f'{name}: of --fit-on and what is reported, one has logits and the other '
                'probabilities; --softmax makes probabilities of all'
            )
        both = sorted(set(fitting[name].names) & set(scores.names))
        if both:
            raise InputError(
                f'--fit-on has {len(both)} samples that are reported, too; weights are fitted on '
                f'another split only: {list_names(both)}'
            )


def evaluate_subsets(
    streams: Sequence[Scores], weights: Sequence[float]
) -> dict[tuple[int, ...], Accuracy | None]:
    """Evaluate every stream, every pair, and all of them; None if the weights of a pair are 0."""
    found: dict[tuple[int, ...], Accuracy | None] = {}
    for size in sorted({1, min(2, len(streams)), len(streams)}):
        for places in itertools.combinations(range(len(streams)), size):
            used = [1.0] if size == 1 else [weights[i] for i in places]
            chosen = [streams[i] for i in places]
            found[places] = accuracies(fuse(chosen, used)) if any(used) else None
    return found
