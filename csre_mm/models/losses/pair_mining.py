"""Which slots of a memory bank an anchor is compared with.

Three selections from the same similarities: the hardest positives, the hardest negatives and random
negatives. Similarities are (S, N), a column per anchor, as the product of the bank and the anchors
gives them. Nothing here synchronises with a GPU: counts that differ from anchor to anchor stay on
it as masks. On a CPU, where reading a value is free, needless work is skipped.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

BLOCK = 4  # slots of which the largest similarity is read first; the fastest of 2, 4, 8


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

    def mean(self) -> Tensor:
        """The mean similarity of what was selected; zero for an empty selection."""
        return self.values.sum().float() / self.valid.sum().clamp(min=1)


class Pairs(NamedTuple):
    """The slots that each anchor is compared with."""

    positives: Selection
    hard: Selection
    random: Selection

    @property
    def indices(self) -> Tensor:
        """Slots (N, K+ + 2 K-) of positives, hard negatives and random negatives."""
        return torch.cat([selection.indices for selection in self], 1)


class ClassIndex(NamedTuple):
    """The filled slots in the order of their classes, seen from each anchor.

    Attributes:
        order: (S,) slots, the empty ones first, then class by class.
        ordered: (S,) the classes of the slots in that order.
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
    ordered: Tensor
    empty: Tensor
    num_empty: Tensor
    start: Tensor
    num_same: Tensor
    num_other: Tensor
    members: Tensor
    is_member: Tensor

    def sizes(self, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Filled slots of the class, and of other classes, for anchors (N,) of any rank."""
        ends = torch.searchsorted(self.ordered, labels, right=True)
        num_same = ends - torch.searchsorted(self.ordered, labels)
        return num_same, len(self.ordered) - self.num_empty - num_same


class LabelPairs(NamedTuple):
    """What of a step depends on labels alone, the same for every bank of the same labels.

    Attributes:
        classes: The slots by class.
        random: Slots (N, K-) of the random negatives, and (N, K-) which of them are valid.
        num_same: Filled slots of the class of each anchor of all ranks.
        num_other: Filled slots of other classes, for each anchor of all ranks.
    """

    classes: ClassIndex
    random: tuple[Tensor, Tensor]
    num_same: Tensor
    num_other: Tensor


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
    counts = num_empty, start, num_same, num_other
    return ClassIndex(order, ordered, bank_labels < 0, *counts, members, is_member)


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


def most_of(count: int | float, available: Tensor, bound: int) -> tuple[int, Tensor | None]:
    """How many slots to select for each anchor.

    Args:
        count: K, or as a float the fraction of the slots that are available to the anchor.
        available: (N,) number of such slots.
        bound: The largest number of such slots, known without a look at ``available``.

    Returns:
        The largest number for any anchor, and for a fraction the number for each anchor (N,).
    """
    if isinstance(count, int):
        return min(count, bound), None
    return max(math.ceil(count * bound), 1), (count * available).ceil()


def select_pairs(
    similarities: Tensor,
    classes: ClassIndex,
    random: tuple[Tensor, Tensor],
    num_positives: int | float,
    num_negatives: int | float,
) -> Pairs:
    """Select what each anchor is compared with.

    Args:
        similarities: (S, N), overwritten.
        classes: The slots by class.
        random: Slots (N, K-) of the random negatives, and (N, K-) which of them are valid.
        num_positives: K+, or a fraction of the slots of the class.
        num_negatives: K-, or a fraction of the slots of other classes.
    """
    own = similarities.T.gather(1, classes.members)  # (N, W)
    positives = hardest_positives(own, classes, num_positives)
    drawn = gather(similarities, *random)
    hard = hardest_negatives(similarities, own, classes, num_negatives)
    return Pairs(positives, hard, drawn)


def hardest_positives(own: Tensor, classes: ClassIndex, count: int | float) -> Selection:
    """The least similar slots of the anchor's class.

    Args:
        own: Similarities of the members of the anchor's class (N, W).
        classes: The slots by class.
        count: K+, or a fraction of the slots of the class.
    """
    values = own.masked_fill(~classes.is_member, torch.inf)
    most, limits = most_of(count, classes.num_same, values.shape[1])
    values, places = values.topk(most, largest=False, sorted=limits is not None)
    valid = within(values < torch.inf, limits)
    return _selection(classes.members.gather(1, places), valid, values)


def within(valid: Tensor, limits: Tensor | None) -> Tensor:
    """Of entries in order (N, K) those that are valid and among the first of each row."""
    if limits is None:
        return valid
    return valid & (torch.arange(valid.shape[1], device=valid.device) < limits.unsqueeze(1))


def hardest_negatives(
    similarities: Tensor, own: Tensor, classes: ClassIndex, count: int | float
) -> Selection:
    """The most similar slots of other classes.

    Args:
        similarities: (S, N). What is no negative of an anchor is overwritten with -inf.
        own: Similarities of the members of the anchor's class (N, W).
        classes: The slots by class.
        count: K-, or a fraction of the slots of other classes.
    """
    has_own = (classes.num_same > 0).unsqueeze(1)
    similarities.T.scatter_(1, classes.members, own.masked_fill(has_own, -torch.inf))
    if classes.empty.device.type != 'cpu' or classes.num_empty:
        similarities.masked_fill_(classes.empty.unsqueeze(1), -torch.inf)
    most, limits = most_of(count, classes.num_other, len(similarities))
    values, indices = largest(similarities, most)
    if limits is not None:
        values, places = values.sort(1, descending=True)
        indices = indices.gather(1, places)
    return _selection(indices, within(values > -torch.inf, limits), values)


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
