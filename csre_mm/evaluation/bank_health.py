"""How near the slots of a memory bank are to their class, and how old they are."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch.nn.functional as F
from torch import Tensor

from csre_mm.models.losses.memory_bank import EMPTY
from csre_mm.utils.errors import InputError

BANKS = {'spatial': 'z_s', 'temporal': 'z_t'}  # the features that each bank holds


class Bank(NamedTuple):
    """A bank of a checkpoint."""

    features: Tensor  # (S, D), L2-normalised, float32
    labels: Tensor  # (S,), -1 for an empty slot


class ClassSlots(NamedTuple):
    """The slots of a class; all similarities are cosines, means over its slots."""

    label: int
    slots: int  # how many
    to_own: float  # to the centroid of the class
    nearest: int  # the class of the nearest centroid; -1 if there is no other
    to_nearest: float  # to that centroid
    misassigned: float  # fraction that is nearer to another centroid
    to_fresh: float | None  # to the features that the model now gives the samples, if computed


def load_banks(state: Mapping[str, Tensor]) -> dict[str, Bank]:
    """The banks in the tensors of a checkpoint, by name.

    Raises:
        InputError: If there are none: it is of a baseline, is published, or only the newest
            checkpoint of its run keeps them.

    Example:
        >>> from csre_mm.utils.checkpoints import read_state_dict
        >>> list(load_banks(read_state_dict('epoch_1.pth')))
        ['spatial', 'temporal']
    """
    banks = {}
    for name in BANKS:
        parts = [state.get(f'neck.loss_{name}.bank.{part}') for part in ('features', 'labels')]
        if all(part is not None and len(part) for part in parts):
            banks[name] = Bank(parts[0].float(), parts[1])  # type: ignore[union-attr,arg-type]
    if not banks:
        raise InputError(
            'the checkpoint has no memory banks: it was made without CSRE, is published, or is not '
            "the newest one of a run with MemoryBankHook keep='last'"
        )
    return banks


def describe_classes(bank: Bank, fresh: np.ndarray | None = None) -> list[ClassSlots]:
    """Describe the slots of each class that has some.

    Args:
        bank: The bank.
        fresh: (S, D), for each slot the feature that the model gives its sample now.

    Example:
        >>> from csre_mm.utils.checkpoints import read_state_dict
        >>> bank = load_banks(read_state_dict('epoch_1.pth'))['spatial']
        >>> [(found.label, found.slots) for found in describe_classes(bank)]
        [(0, 2), (1, 1)]
    """
    present = [int(label) for label in bank.labels.unique() if label != EMPTY]
    centroids = {k: F.normalize(bank.features[bank.labels == k].mean(0), dim=0) for k in present}
    found = []
    for label in present:
        own = bank.labels == label
        slots = bank.features[own]  # (S_k, D)
        to_own = slots @ centroids[label]  # (S_k,)
        others = {k: slots @ centroid for k, centroid in centroids.items() if k != label}
        nearest = max(others, key=lambda k: float(centroids[k] @ centroids[label]), default=EMPTY)
        misassigned = sum((values > to_own for values in others.values()), start=to_own > to_own)
        to_nearest = float(others[nearest].mean()) if others else float('nan')
        to_fresh = None
        if fresh is not None:
            to_fresh = float(F.cosine_similarity(slots, slots.new_tensor(fresh)[own]).mean())
        numbers = nearest, to_nearest, float((misassigned > 0).float().mean()), to_fresh
        found.append(ClassSlots(label, len(slots), float(to_own.mean()), *numbers))
    return found
