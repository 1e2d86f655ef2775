"""Two models on the same samples, each trained with one or more seeds.

C is the number of classes, N of samples, S of seeds. "Before" is the first model, "after" the
second; run s of the one is paired with run s of the other. All of them were tested on the same
samples, so every difference is taken sample by sample.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from csre_mm.evaluation.confusion import join_scores
from csre_mm.evaluation.scores import Scores
from csre_mm.utils.errors import InputError


class Comparison(NamedTuple):
    """Predictions of two models for N samples."""

    names: list[str]
    labels: np.ndarray  # (N,)
    num_classes: int
    before: np.ndarray  # predicted classes (S, N)
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


def compare(before: Mapping[str, Scores], after: Mapping[str, Scores]) -> Comparison:
    """Pair the runs of two models, joined by the names of the samples.

    Args:
        before: Scores of the first model's S runs, by a name for messages.
        after: Those of the second model, as many, by other names.

    Raises:
        ValueError: If a name is in both.
        InputError: If the numbers of runs differ, the runs are of other samples, labels or
            classes, or two runs of a model have the same scores, so that they are one.

    Example:
        >>> before, after = load_scores('baseline.pkl'), load_scores('csre.pkl')
        >>> comparison = compare({'baseline': before}, {'csre': after})
        >>> [top1.tolist() for top1 in comparison.accuracies]
        [[0.5], [0.75]]
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
