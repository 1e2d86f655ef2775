"""Which slots of a memory bank an anchor is compared with.

Three selections from the same similarities: the hardest positives, the hardest negatives and random
negatives. Similarities are (..., S, N), a column per anchor, as the product of a bank and the
anchors gives them; leading axes are several banks of the same labels. Nothing here synchronises
with a GPU: counts that differ from anchor to anchor stay on it as masks. On a CPU, where reading a
value is free, needless work is skipped.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from csre_mm.models.losses.class_index import ClassIndex, Members
from csre_mm.utils.device import on_cpu, widest

BLOCK = 4  # slots of which the largest similarity is read first; the fastest of 2, 4, 8 on a CPU
GPU_BLOCK = 16  # fewer, larger operations; not timed yet (docs/gpu.md)


class Selection(NamedTuple):
    """Slots selected for each anchor.

    Attributes:
        indices: (..., N, K).
        valid: (..., N, K), False where an anchor has fewer than K such slots.
        values: Their similarities (..., N, K), zero where not valid.
    """

    indices: Tensor
    valid: Tensor
    values: Tensor

    def mean(self) -> Tensor:
        """The mean similarity of what was selected (...); zero for an empty selection."""
        return self.values.sum((-2, -1)).float() / self.valid.sum((-2, -1)).clamp(min=1)


class Pairs(NamedTuple):
    """The slots that each anchor is compared with."""

    positives: Selection
    hard: Selection
    random: Selection


class LabelPairs(NamedTuple):
    """What of a step depends on labels alone, the same for every bank of the same labels.

    Attributes:
        classes: The slots by class, seen from the anchors of this rank.
        everyone: The slots by class, seen from the anchors of all ranks.
        rows: The anchors of this rank among all.
        members: On a CPU the :meth:`ClassIndex.members`.
        random: Slots (N, K-) of the random negatives, and (N, K-) which of them are valid.
    """

    classes: ClassIndex
    everyone: ClassIndex
    rows: slice
    members: Members | None
    random: tuple[Tensor, Tensor]


def _selection(indices: Tensor, valid: Tensor, values: Tensor) -> Selection:
    return Selection(indices, valid, values.masked_fill(~valid, 0))


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
    available = available.to(widest(available.device))  # as Python counts
    return max(math.ceil(count * bound), 1), (count * available).ceil()


def select_pairs(
    similarities: Tensor, pairs: LabelPairs, num_positives: int | float, num_negatives: int | float
) -> Pairs:
    """Select what each anchor is compared with.

    Args:
        similarities: (..., S, N), overwritten.
        pairs: What depends on labels alone.
        num_positives: K+, or a fraction of the slots of the class.
        num_negatives: K-, or a fraction of the slots of other classes.
    """
    random, valid = (x.expand(*similarities.shape[:-2], -1, -1) for x in pairs.random)
    drawn = _selection(random, valid, similarities.mT.gather(-1, random))  # (..., N, K-)
    if pairs.members is None:
        chosen = hardest_pairs(similarities, pairs.classes, num_positives, num_negatives)
        return Pairs(*chosen, drawn)
    slots = pairs.members.slots.expand(*similarities.shape[:-2], -1, -1)  # (..., N, W)
    members = pairs.members._replace(slots=slots)
    own = similarities.mT.gather(-1, slots)
    positives = hardest_positives(own, members, pairs.classes, num_positives)
    hard = hardest_negatives(similarities, own, members, pairs.classes, num_negatives)
    return Pairs(positives, hard, drawn)


def hardest_positives(
    own: Tensor, members: Members, classes: ClassIndex, count: int | float
) -> Selection:
    """The least similar slots of the anchor's class.

    Args:
        own: Similarities of the members (..., N, W).
        members: Of the anchor's class.
        classes: The slots by class.
        count: K+, or a fraction of the slots of the class.
    """
    values = own.masked_fill(~members.valid, torch.inf)
    most, limits = most_of(count, classes.num_same, values.shape[-1])
    values, places = values.topk(most, largest=False, sorted=limits is not None)
    valid = within(values < torch.inf, limits)
    return _selection(members.slots.gather(-1, places), valid, values)


def within(valid: Tensor, limits: Tensor | None) -> Tensor:
    """Of entries in order (..., N, K) those that are valid and among the first of each row."""
    if limits is None:
        return valid
    return valid & (torch.arange(valid.shape[-1], device=valid.device) < limits.unsqueeze(1))


def hardest_negatives(
    similarities: Tensor, own: Tensor, members: Members, classes: ClassIndex, count: int | float
) -> Selection:
    """The most similar slots of other classes.

    Args:
        similarities: (..., S, N). What is no negative of an anchor is overwritten with -inf.
        own: Similarities of the members (..., N, W).
        members: Of the anchor's class.
        classes: The slots by class.
        count: K-, or a fraction of the slots of other classes.
    """
    has_own = (classes.num_same > 0).unsqueeze(1)
    similarities.mT.scatter_(-1, members.slots, own.masked_fill(has_own, -torch.inf))
    if classes.num_empty:
        similarities.masked_fill_((classes.bank_labels < 0).unsqueeze(1), -torch.inf)
    most, limits = most_of(count, classes.num_other, similarities.shape[-2])
    return _ordered(*largest(similarities, most), most, limits)


def hardest_pairs(
    similarities: Tensor,
    classes: ClassIndex,
    num_positives: int | float,
    num_negatives: int | float,
) -> tuple[Selection, Selection]:
    """The least similar slots of the anchor's class and the most similar ones of other classes.

    Both are one selection from two masked copies, which needs no bound of the size of a class.

    Args:
        similarities: (..., S, N).
        classes: The slots by class.
        num_positives: K+, or a fraction of the slots of the class.
        num_negatives: K-, or a fraction of the slots of other classes.
    """
    slots = classes.bank_labels.unsqueeze(1)  # (S, 1)
    own = slots == classes.labels  # (S, N)
    masked = torch.stack(
        [
            (-similarities).masked_fill(~own, -torch.inf),
            similarities.masked_fill(own | (slots < 0), -torch.inf),
        ]
    )  # (2, ..., S, N)
    kp, by_class = most_of(num_positives, classes.num_same, len(slots))
    kn, by_others = most_of(num_negatives, classes.num_other, len(slots))
    values, indices = largest(masked, max(kp, kn))
    positives = _ordered(values[0], indices[0], kp, by_class)
    negatives = _ordered(values[1], indices[1], kn, by_others)
    return positives._replace(values=-positives.values), negatives


def _ordered(values: Tensor, indices: Tensor, most: int, limits: Tensor | None) -> Selection:
    """The ``most`` largest of values (..., N, K), in order where there are limits."""
    if limits is not None or most < values.shape[-1]:
        values, places = values.topk(most, sorted=limits is not None)
        indices = indices.gather(-1, places)
    return _selection(indices, within(values > -torch.inf, limits), values)


def largest(similarities: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The ``count`` largest values of each column, in any order.

    The column is cut into blocks. A value among the ``count`` largest makes its block one of the
    ``count`` blocks of largest maximum, which are found in the same way; only the slots of these
    are selected from. One pass over the similarities for maxima takes the place of selecting from
    all of them.

    Args:
        similarities: (..., S, N).
        count: K, at most S.

    Returns:
        Values (..., N, K) and slots (..., N, K).
    """
    block = BLOCK if on_cpu(similarities) else GPU_BLOCK
    num_slots = similarities.shape[-2]
    num_blocks = num_slots // block
    if num_blocks < count:
        values, indices = similarities.mT.topk(count, sorted=False)
        return values, indices
    whole = similarities[..., : num_blocks * block, :].unflatten(-2, (num_blocks, block))
    _, blocks = largest(whole.amax(-2), count)  # (..., N, K)
    within = torch.arange(block, device=blocks.device)
    slots = (blocks.unsqueeze(-1) * block + within).flatten(-2)  # (..., N, K * block)
    rest = torch.arange(num_blocks * block, num_slots, device=blocks.device)
    slots = torch.cat([slots, rest.expand(*slots.shape[:-1], -1)], -1)
    values, places = similarities.mT.gather(-1, slots).topk(count, sorted=False)
    return values, slots.gather(-1, places)
