"""Which slots of a memory bank an anchor is compared with.

Three selections from the same similarities: the hardest positives, the hardest negatives and random
negatives. Similarities are (S, N), a column an anchor, as the product of the bank and the anchors
gives them. Nothing here waits for a GPU: counts that differ from anchor to anchor stay on it as
masks. On a CPU, where looking costs nothing, work that turns out to be void is left out.
"""

from typing import NamedTuple

import torch
from torch import Tensor

BLOCK = 4
"""Slots of which only the largest similarity is looked at first; 4 was the fastest of 2, 4, 8."""

KEYED_DRAW_FACTOR = 8
"""Up to this many times K candidates, random numbers are sorted; above, duplicates are dropped."""


class Selection(NamedTuple):
    """Slots selected for each anchor.

    Attributes:
        indices: (N, K).
        valid: (N, K), False where an anchor has fewer than K such slots.
        values: Their similarities (N, K), zero where not valid.
    """

    indices: Tensor
    valid: Tensor
    values: Tensor


class ClassIndex(NamedTuple):
    """The filled slots in the order of their classes, seen from each anchor.

    Attributes:
        order: (S,) slots, the empty ones first, then class by class.
        empty: (S,) whether a slot is empty.
        num_empty: () number of empty slots.
        start: (N,) where in ``order`` the slots of the anchor's class begin.
        num_same: (N,) filled slots of the anchor's class.
        num_other: (N,) filled slots of other classes.
        members: (N, W) the slots of the anchor's class, the first one repeated at the end; any slot
            for an anchor of which there is none.
        is_member: (N, W), False at the repetitions.
    """

    order: Tensor
    empty: Tensor
    num_empty: Tensor
    start: Tensor
    num_same: Tensor
    num_other: Tensor
    members: Tensor
    is_member: Tensor


def index_classes(
    labels: Tensor, bank_labels: Tensor, largest_class: int | None = None
) -> ClassIndex:
    """Sort the slots by class.

    Args:
        labels: Classes of the anchors (N,).
        bank_labels: Classes of the slots (S,), -1 where empty.
        largest_class: At least the number of slots of the largest class, by which the members are
            bounded. Without it they are counted on a CPU, and bounded by S on a GPU.
    """
    num_slots = len(bank_labels)
    ordered, order = bank_labels.sort(stable=True)
    num_empty = torch.searchsorted(ordered, ordered.new_zeros(1)).squeeze(0)
    start = torch.searchsorted(ordered, labels)
    num_same = torch.searchsorted(ordered, labels, right=True) - start
    num_other = num_slots - num_empty - num_same
    if largest_class is None and labels.device.type == 'cpu':
        largest_class = max(int(num_same.max()), 1)
    ranks = torch.arange(min(largest_class or num_slots, num_slots), device=labels.device)  # (W,)
    is_member = ranks < num_same.unsqueeze(1)
    positions = start.unsqueeze(1) + torch.where(is_member, ranks, 0)
    members = order[positions.clamp(max=num_slots - 1)]
    empty = bank_labels < 0
    return ClassIndex(order, empty, num_empty, start, num_same, num_other, members, is_member)


def _selection(indices: Tensor, valid: Tensor, values: Tensor) -> Selection:
    return Selection(indices, valid, values.masked_fill(~valid, 0))


def gather(similarities: Tensor, indices: Tensor, valid: Tensor) -> Selection:
    """Look up the similarities of slots that were selected by other means.

    Args:
        similarities: (S, N).
        indices: (N, K).
        valid: (N, K).
    """
    return _selection(indices, valid, similarities.T.gather(1, indices))


def hardest_positives(own: Tensor, classes: ClassIndex, count: int) -> Selection:
    """The ``count`` least similar slots of the anchor's class.

    Args:
        own: Similarities of the members of the anchor's class (N, W).
        classes: The slots by class.
        count: K+.
    """
    values = own.masked_fill(~classes.is_member, torch.inf)
    count = min(count, values.shape[1])
    values, places = values.topk(count, largest=False, sorted=False)
    return _selection(classes.members.gather(1, places), values < torch.inf, values)


def hardest_negatives(
    similarities: Tensor, own: Tensor, classes: ClassIndex, count: int
) -> Selection:
    """The ``count`` most similar slots of other classes.

    Args:
        similarities: (S, N). What is no negative of an anchor is overwritten with -inf.
        own: Similarities of the members of the anchor's class (N, W).
        classes: The slots by class.
        count: K-.
    """
    has_own = (classes.num_same > 0).unsqueeze(1)
    similarities.T.scatter_(1, classes.members, own.masked_fill(has_own, -torch.inf))
    if classes.empty.device.type != 'cpu' or classes.num_empty:
        similarities.masked_fill_(classes.empty.unsqueeze(1), -torch.inf)
    values, indices = largest(similarities, min(count, len(similarities)))
    return _selection(indices, values > -torch.inf, values)


def largest(similarities: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The ``count`` largest values of each column, in any order.

    The column is cut into blocks. A value among the ``count`` largest makes its block one of the
    ``count`` blocks of largest maximum, which are found in the same way; only the slots of these
    are selected from. One pass over the similarities for maxima takes the place of selecting from
    all of them.

    Args:
        similarities: (S, N).
        count: K, at most S.

    Returns:
        Values (N, K) and slots (N, K).
    """
    num_slots, num_blocks = len(similarities), len(similarities) // BLOCK
    if num_blocks < count:
        values, indices = similarities.T.topk(count, sorted=False)
        return values, indices
    whole = similarities[: num_blocks * BLOCK].view(num_blocks, BLOCK, -1)
    _, blocks = largest(whole.amax(1), count)  # (N, K)
    within = torch.arange(BLOCK, device=blocks.device)
    slots = (blocks.unsqueeze(2) * BLOCK + within).flatten(1)  # (N, K * BLOCK)
    rest = torch.arange(num_blocks * BLOCK, num_slots, device=blocks.device)
    slots = torch.cat([slots, rest.expand(len(slots), -1)], 1)
    values, places = similarities.T.gather(1, slots).topk(count, sorted=False)
    return values, slots.gather(1, places)


def random_negatives(
    classes: ClassIndex,
    count: int,
    generator: torch.Generator,
    num_drawn: int | None = None,
    first: int = 0,
) -> tuple[Tensor, Tensor]:
    """``count`` slots of other classes, uniformly and without replacement, for each anchor.

    Args:
        classes: The slots by class.
        count: K-.
        generator: Where the random numbers come from, on the device of the slots.
        num_drawn: Rows to draw; the anchors are rows ``first`` to ``first + N`` of them. A process
            among several draws for all, and so gets what one process would have drawn.
        first: See ``num_drawn``.

    Returns:
        Slots (N, K-), and (N, K-) False where an anchor has fewer.
    """
    num_anchors, num_slots = len(classes.start), len(classes.order)
    total = num_anchors if num_drawn is None else num_drawn
    rows = slice(first, first + num_anchors)
    ranks, valid = _distinct(
        classes.num_other, min(count, num_slots), num_slots, total, rows, generator
    )
    num_other = classes.num_other.unsqueeze(1)
    ranks = torch.minimum(ranks, (num_other - 1).clamp(min=0))  # what is not valid stays in range
    before = (classes.start - classes.num_empty).unsqueeze(1)  # other slots before the own class
    position = classes.num_empty + ranks + (ranks >= before) * classes.num_same.unsqueeze(1)
    return classes.order[position.clamp(max=num_slots - 1)], valid


def _distinct(
    limits: Tensor, count: int, num_slots: int, total: int, rows: slice, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """For each row up to ``count`` distinct numbers below its limit, every subset equally likely.

    Two exact ways: with few candidates each gets a random number and the smallest are taken; with
    many, numbers are drawn with replacement and the first ``count`` different ones are taken. The
    latter are drawn in any case, so that what a row gets does not depend on the other rows.
    """
    device = limits.device
    few = min(num_slots, KEYED_DRAW_FACTOR * count)
    draws = count + count // 4 + 64
    uniform = torch.rand(total, draws, generator=generator, device=device, dtype=torch.float64)
    is_few = (limits <= few).unsqueeze(1)
    if device.type == 'cpu' and not is_few.any():
        return _first_different(uniform[rows], limits, count)
    keys = torch.rand(total, few, generator=generator, device=device)
    keyed = _smallest_keys(keys[rows], limits, count)
    if few == num_slots:
        return keyed
    drawn = _first_different(uniform[rows], limits, count)
    return torch.where(is_few, keyed[0], drawn[0]), torch.where(is_few, keyed[1], drawn[1])


def _smallest_keys(keys: Tensor, limits: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The candidates with the ``count`` smallest keys."""
    candidates = torch.arange(keys.shape[1], device=keys.device)
    keys = keys.masked_fill(candidates >= limits.unsqueeze(1), torch.inf)
    values, ranks = keys.topk(count, largest=False, sorted=False)
    return ranks, values < torch.inf


def _first_different(uniform: Tensor, limits: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The first ``count`` different numbers below the limits.

    There are more than 8 * count candidates and 1.25 * count + 64 draws: the chance that fewer
    than ``count`` of these differ is below 1e-30.
    """
    draws = uniform.shape[1]
    drawn = (uniform * limits.unsqueeze(1)).long()  # (N, draws), below the limit
    shift = draws.bit_length()
    arrival = torch.arange(draws, device=drawn.device)
    ordered = (drawn << shift | arrival).sort(dim=1).values  # by number, then by arrival
    numbers, arrival = ordered >> shift, ordered & (1 << shift) - 1
    arrival[:, 1:].masked_fill_(numbers[:, 1:] == numbers[:, :-1], draws)  # a repetition
    arrived, places = arrival.topk(count, largest=False, sorted=False)
    return numbers.gather(1, places), arrived < draws
