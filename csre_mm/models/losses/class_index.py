"""The slots of a memory bank in the order of their classes."""

from typing import NamedTuple

import torch
from torch import Tensor


class Members(NamedTuple):
    """The slots of each anchor's class.

    Attributes:
        slots: (..., N, W), the first one repeated at the end; any slot for an anchor of whose class
            there is none.
        valid: (N, W), False at the repetitions.
    """

    slots: Tensor
    valid: Tensor


class ClassIndex(NamedTuple):
    """The filled slots in the order of their classes, seen from each anchor.

    Attributes:
        bank_labels: (S,) the classes of the slots, -1 where empty.
        labels: (N,) the classes of the anchors.
        order: (S,) slots, the empty ones first, then class by class.
        num_empty: () number of empty slots.
        start: (N,) where in ``order`` the slots of the anchor's class begin.
        num_same: (N,) filled slots of the anchor's class.
        num_other: (N,) filled slots of other classes.
    """

    bank_labels: Tensor
    labels: Tensor
    order: Tensor
    num_empty: Tensor
    start: Tensor
    num_same: Tensor
    num_other: Tensor

    def members(self) -> Members:
        """The slots of each anchor's class, which reads the size of the largest."""
        ranks = torch.arange(max(int(self.num_same.max()), 1), device=self.order.device)  # (W,)
        is_member = ranks < self.num_same.unsqueeze(1)
        positions = self.start.unsqueeze(1) + torch.where(is_member, ranks, 0)
        return Members(self.order[positions.clamp(max=len(self.order) - 1)], is_member)

    def of(self, rows: slice) -> 'ClassIndex':
        """The same for some of the anchors."""
        labels, start = self.labels[rows], self.start[rows]
        num_same, num_other = self.num_same[rows], self.num_other[rows]
        return ClassIndex(
            self.bank_labels, labels, self.order, self.num_empty, start, num_same, num_other
        )


def index_classes(labels: Tensor, bank_labels: Tensor) -> ClassIndex:
    """Sort the slots by class.

    Args:
        labels: Classes of the anchors (N,).
        bank_labels: Classes of the slots (S,), -1 where empty.
    """
    ordered, order = bank_labels.sort(stable=True)
    num_empty = (bank_labels < 0).sum()
    start = torch.searchsorted(ordered, labels)
    num_same = torch.searchsorted(ordered, labels, right=True) - start
    num_other = len(bank_labels) - num_empty - num_same
    return ClassIndex(bank_labels, labels, order, num_empty, start, num_same, num_other)
