"""What the log of a training says of the contrasts before the first batch."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from csre_mm.models.losses import MemoryContrastLoss


def describe_contrasts(
    losses: Mapping[str, MemoryContrastLoss], class_sizes: np.ndarray
) -> Iterator[str]:
    """Describe the contrasts of a model, by name, a sentence per setting.

    The class sizes are the slots of each class of the training set; none if unknown.
    """
    if not losses:
        return
    short = {name.rpartition('loss_')[2]: loss for name, loss in losses.items()}
    yield f'CSRE is on: {" and ".join(short)} contrast.'
    weights = _each(short, lambda loss: f'{loss.weight(after_warmup=True):g}')
    yield f'The weight of a contrast is {weights}.'
    warmup = {loss.warmup_iters for loss in losses.values()}
    if warmup != {0}:
        yield f'The weight rises from 0 over {_each(short, lambda x: x.warmup_iters)} iterations.'
    yield f'The temperature is {_each(short, lambda loss: loss.temperature)}.'
    yield f'A memory bank has {_each(short, lambda loss: f"{loss.bank.num_slots:,}")} slots.'
    own, others = _available(class_sizes)
    positives = _each(short, lambda loss: _count(loss.num_pairs()[0]))
    negatives = _each(short, lambda loss: _count(loss.num_pairs()[1]))
    yield f'K+ is {positives}{_among(own, "a class")}.'
    yield f'K- is {negatives}{_among(others, "other classes")}, for hard and for random negatives.'


def find_void_mining(
    losses: Mapping[str, MemoryContrastLoss], class_sizes: np.ndarray
) -> Iterator[str]:
    """Say where hard pairs are no choice, because all pairs are taken."""
    own, others = _available(class_sizes)
    for name, loss in losses.items():
        for key, count, available, what in (
            ('num_positives', loss.num_pairs()[0], own, 'slots of a class: no positive is hard'),
            (
                'num_negatives',
                loss.num_pairs()[1],
                others,
                'slots of other classes: hard and random negatives are the same',
            ),
        ):
            most = int(available.max()) if len(available) else 0
            if most and (count == 1.0 if isinstance(count, float) else count >= most):
                yield (
                    f'{name}: hard mining is void, {key} {_count(count)} takes all of at most '
                    f'{most:,} {what}; set model.neck.loss.{key} lower, or leave it out'
                )


def _available(class_sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Slots of the class and of the other classes, for an anchor of each class."""
    return class_sizes, class_sizes.sum() - class_sizes


def _count(count: int | float) -> str:
    return f'{count:,}' if isinstance(count, int) else f'{100 * count:g} %'


def _among(available: np.ndarray, what: str) -> str:
    if not len(available):
        return ''
    low, high = int(available.min()), int(available.max())
    return f' of the {f"{low:,}" if low == high else f"{low:,} to {high:,}"} slots of {what}'


def _each(
    losses: Mapping[str, MemoryContrastLoss], value: Callable[[MemoryContrastLoss], object]
) -> str:
    """One value, or if the contrasts differ the value of each."""
    values = {name: str(value(loss)) for name, loss in losses.items()}
    if len(set(values.values())) == 1:
        return next(iter(values.values()))
    return ', '.join(f'{text} ({name})' for name, text in values.items())
