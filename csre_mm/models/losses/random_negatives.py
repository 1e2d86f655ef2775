"""Random slots of other classes, drawn uniformly and without replacement."""

from typing import NamedTuple

import torch
from torch import Tensor

from csre_mm.models.losses.class_index import ClassIndex
from csre_mm.models.losses.pair_mining import most_of, within
from csre_mm.utils.device import on_cpu, widest

KEYED_DRAW_FACTOR = 8
"""Up to this many times K candidates, random numbers are sorted; above, duplicates are dropped."""


class Draws(NamedTuple):
    """The random numbers of a step, drawn before it.

    Attributes:
        uniform: (rows, draws), float64 where the device has it; slots are drawn from them with
            replacement.
        keys: (rows, candidates); the slots with the smallest are taken where there are few.
    """

    uniform: Tensor
    keys: Tensor


def draw(
    count: int | float, num_slots: int, rows: int, generator: torch.Generator, device: torch.device
) -> Draws:
    """Draw what :func:`random_negatives` needs, for a step that is one compiled graph.

    Args:
        count: K-, or a fraction of the slots of other classes.
        num_slots: S.
        rows: Rows to draw.
        generator: Where the numbers come from.
        device: Where they are needed.
    """
    most, _ = most_of(count, torch.empty(0), num_slots)
    draws, few = _widths(most, num_slots)
    return Draws(_uniform(rows, draws, generator, device), _keys(rows, few, generator, device))


def random_negatives(
    classes: ClassIndex,
    count: int | float,
    source: torch.Generator | Draws,
    num_drawn: int | None = None,
    first: int = 0,
) -> tuple[Tensor, Tensor]:
    """Slots of other classes, drawn uniformly and without replacement, for each anchor.

    Args:
        classes: The slots by class.
        count: K-, or a fraction of the slots of other classes.
        source: The random numbers, or where they come from: a generator on the device of the slots.
        num_drawn: Rows to draw; the anchors are rows ``first`` to ``first + N`` of them. A process
            among several draws for all, and so gets what one process would have drawn.
        first: See ``num_drawn``.

    Returns:
        Slots (N, K-), and (N, K-) False where an anchor has fewer.
    """
    num_anchors, num_slots = len(classes.start), len(classes.order)
    total = num_anchors if num_drawn is None else num_drawn
    rows = slice(first, first + num_anchors)
    most, limits = most_of(count, classes.num_other, num_slots)
    ranks, valid = _distinct(classes.num_other, most, num_slots, total, rows, source)
    valid = within(valid, limits)
    num_other = classes.num_other.unsqueeze(1)
    ranks = torch.minimum(ranks, (num_other - 1).clamp(min=0))  # what is not valid stays in range
    before = (classes.start - classes.num_empty).unsqueeze(1)  # other slots before the own class
    position = classes.num_empty + ranks + (ranks >= before) * classes.num_same.unsqueeze(1)
    return classes.order[position.clamp(max=num_slots - 1)], valid


def _widths(count: int, num_slots: int) -> tuple[int, int]:
    """Numbers to draw for a row with replacement, and candidates of which keys are drawn."""
    return count + count // 4 + 64, min(num_slots, KEYED_DRAW_FACTOR * count)


def _uniform(rows: int, width: int, generator: torch.Generator, device: torch.device) -> Tensor:
    return torch.rand(rows, width, generator=generator, device=device, dtype=widest(device))


def _keys(rows: int, width: int, generator: torch.Generator, device: torch.device) -> Tensor:
    return torch.rand(rows, width, generator=generator, device=device)


def _distinct(
    limits: Tensor,
    count: int,
    num_slots: int,
    total: int,
    rows: slice,
    source: torch.Generator | Draws,
) -> tuple[Tensor, Tensor]:
    """For each row up to ``count`` distinct numbers below its limit, every subset equally likely.

    Two exact ways: with few candidates each gets a random number and the smallest are taken; with
    many, numbers are drawn with replacement and the first ``count`` different ones are taken. The
    latter are drawn in any case, so that what a row gets does not depend on the other rows.
    """
    device = limits.device
    draws, few = _widths(count, num_slots)
    uniform = (
        source.uniform if isinstance(source, Draws) else _uniform(total, draws, source, device)
    )
    is_few = (limits <= few).unsqueeze(1)
    if on_cpu(limits) and not is_few.any():
        return _first_different(uniform[rows], limits, count)
    keys = source.keys if isinstance(source, Draws) else _keys(total, few, source, device)
    keyed = _smallest_keys(keys[rows], limits, count)
    if few == num_slots:
        return keyed
    drawn = _first_different(uniform[rows], limits, count)
    return torch.where(is_few, keyed[0], drawn[0]), torch.where(is_few, keyed[1], drawn[1])


def _smallest_keys(keys: Tensor, limits: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The candidates with the ``count`` smallest keys."""
    candidates = torch.arange(keys.shape[1], device=keys.device)
    keys = keys.masked_fill(candidates >= limits.unsqueeze(1), torch.inf)
    values, ranks = keys.topk(count, largest=False)  # sorted: a fraction takes the first
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
    arrived, places = arrival.topk(count, largest=False)
    return numbers.gather(1, places), arrived < draws
