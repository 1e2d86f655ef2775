"""Which slots of a memory bank an anchor is compared with.

Three selections from the same similarities: the hardest positives, the hardest negatives and random
negatives. Nothing here waits for the device: counts that differ from anchor to anchor stay on it
as masks.
"""

from typing import NamedTuple

import torch
from torch import Tensor

KEYED_DRAW_FACTOR = 8
"""Up to this many times K candidates, random numbers are sorted; above, duplicates are dropped."""


class Selection(NamedTuple):
    """Slots selected for each anchor.

    Attributes:
        indices: (N, K).
        valid: (N, K), False where an anchor has fewer than K such slots.
    """

    indices: Tensor
    valid: Tensor


class ClassIndex(NamedTuple):
    """The filled slots in the order of their classes, seen from each anchor.

    Attributes:
        order: (S,) slots, the empty ones first, then class by class.
        num_empty: () number of empty slots.
        start: (N,) where in ``order`` the slots of the anchor's class begin.
        num_same: (N,) filled slots of the anchor's class.
        num_other: (N,) filled slots of other classes.
    """

    order: Tensor
    num_empty: Tensor
    start: Tensor
    num_same: Tensor
    num_other: Tensor


def index_classes(labels: Tensor, bank_labels: Tensor) -> ClassIndex:
    """Sort the slots by class.

    Args:
        labels: Classes of the anchors (N,).
        bank_labels: Classes of the slots (S,), -1 where empty.
    """
    ordered, order = bank_labels.sort(stable=True)
    num_empty = torch.searchsorted(ordered, ordered.new_zeros(1)).squeeze(0)
    start = torch.searchsorted(ordered, labels)
    num_same = torch.searchsorted(ordered, labels, right=True) - start
    num_other = len(bank_labels) - num_empty - num_same
    return ClassIndex(order, num_empty, start, num_same, num_other)


def hardest_positives(similarities: Tensor, same: Tensor, count: int) -> Selection:
    """The ``count`` least similar slots of the anchor's class.

    Args:
        similarities: (N, S).
        same: (N, S), True for a filled slot of the anchor's class.
        count: K+.
    """
    masked = similarities.masked_fill(~same, torch.inf)
    values, indices = masked.topk(min(count, masked.shape[1]), largest=False)
    return Selection(indices, values < torch.inf)


def hardest_negatives(similarities: Tensor, other: Tensor, count: int) -> Selection:
    """The ``count`` most similar slots of other classes.

    Args:
        similarities: (N, S).
        other: (N, S), True for a filled slot of another class.
        count: K-.
    """
    masked = similarities.masked_fill(~other, -torch.inf)
    values, indices = masked.topk(min(count, masked.shape[1]))
    return Selection(indices, values > -torch.inf)


def random_negatives(
    classes: ClassIndex,
    count: int,
    generator: torch.Generator,
    num_drawn: int | None = None,
    first: int = 0,
) -> Selection:
    """``count`` slots of other classes, uniformly and without replacement, for each anchor.

    Args:
        classes: The slots in the order of their classes.
        count: K-.
        generator: Where the random numbers come from, on the device of the slots.
        num_drawn: Rows to draw; the anchors are rows ``first`` to ``first + N`` of them. A process
            among several draws for all, and so gets what one process would have drawn.
        first: See ``num_drawn``.
    """
    num_anchors = len(classes.start)
    rows = slice(first, first + num_anchors)
    total = num_anchors if num_drawn is None else num_drawn
    count = min(count, len(classes.order))
    ranks, valid = _distinct(classes.num_other, count, len(classes.order), total, rows, generator)
    num_other = classes.num_other.unsqueeze(1)
    ranks = torch.minimum(ranks, (num_other - 1).clamp(min=0))  # what is not valid stays in range
    before = (classes.start - classes.num_empty).unsqueeze(1)  # other slots before the own class
    position = classes.num_empty + ranks + (ranks >= before) * classes.num_same.unsqueeze(1)
    return Selection(classes.order[position.clamp(max=len(classes.order) - 1)], valid)


def _distinct(
    limits: Tensor, count: int, largest: int, total: int, rows: slice, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """For each row up to ``count`` distinct numbers below its limit, every subset equally likely.

    Two exact ways: with few candidates each gets a random number and the smallest are taken; with
    many, numbers are drawn with replacement and the first ``count`` different ones are taken.
    """
    device = limits.device
    few = min(largest, KEYED_DRAW_FACTOR * count)
    keys = torch.rand(total, few, generator=generator, device=device)[rows]
    candidates = torch.arange(few, device=device)
    keys = keys.masked_fill(candidates >= limits.unsqueeze(1), torch.inf)
    values, keyed = keys.topk(count, largest=False)  # (N, K)
    keyed_valid = values < torch.inf
    if few == largest:
        return keyed, keyed_valid

    draws = 2 * count + 64  # count distinct ones among more than 8 * count: certain to be there
    uniform = torch.rand(total, draws, generator=generator, device=device, dtype=torch.float64)
    drawn = (uniform[rows] * limits.unsqueeze(1)).long()  # (N, draws), below the limit
    ordered, arrival = drawn.sort(stable=True)
    repeated = torch.zeros_like(ordered, dtype=torch.bool)
    repeated[:, 1:] = ordered[:, 1:] == ordered[:, :-1]
    arrival = arrival.masked_fill(repeated, draws)
    arrived, place = arrival.topk(count, largest=False)
    is_few = (limits <= few).unsqueeze(1)
    ranks = torch.where(is_few, keyed, ordered.gather(1, place))
    return ranks, torch.where(is_few, keyed_valid, arrived < draws)
