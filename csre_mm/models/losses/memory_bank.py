"""A slot for each training sample."""

import logging

import torch
import torch.nn.functional as F
from mmengine.logging import print_log
from torch import Tensor, nn

from csre_mm.utils.device import on_cpu
from csre_mm.utils.errors import InputError

EMPTY = -1
"""The label of a slot that nothing was written to."""

NOT_FINITE = -2
"""The label of a sample without a usable feature, which is not written and has no positives."""


def last_occurrence(indices: Tensor, counts: Tensor | None = None) -> Tensor:
    """For each entry the position of the last entry that has the same value.

    Args:
        indices: (N,).
        counts: Which entries count (N,); by default all.

    Returns:
        Positions (N,), -1 where no entry counts.
    """
    same = indices.unsqueeze(1) == indices.unsqueeze(0)  # (N, N)
    if counts is not None:
        same = same & counts
    positions = torch.arange(len(indices), device=indices.device)
    return torch.where(same, positions, -1).amax(1)


def _product(features: Tensor, z: Tensor) -> Tensor:
    """(S, D) times (N, D) transposed: (S, N).

    On a CPU as a 1x1 convolution over an image of S pixels: oneDNN's kernel for it was measured
    2.5 times as fast as the matrix product of MKL (S = 40,091, N = 64, D = 256, AMD with AVX-512).
    """
    if not on_cpu(features):
        return (z @ features.T).T  # a column lies in one piece
    if features.dtype != torch.float32:
        return features @ z.T
    image = features.view(1, len(features), 1, -1).permute(0, 3, 1, 2)  # (1, D, S, 1)
    return F.conv2d(image, z[..., None, None])[0, :, :, 0].T  # (1, N, S, 1) -> (S, N)


class MemoryBank(nn.Module):
    """L2-normalised features and labels of the training samples, a slot each.

    Both are persistent buffers, so a checkpoint holds them. A bank starts without slots;
    :meth:`allocate` gives it as many as there are training samples, and a bank without slots takes
    the size of the one in the checkpoint that it loads.

    Args:
        feat_dim: Width D of a slot.
        dtype: ``'float32'``, or ``'float16'`` for half the memory.

    Attributes:
        features: (S, D), L2-normalised, zero where empty.
        labels: (S,), :data:`EMPTY` where empty.

    Raises:
        InputError: If ``dtype`` is another.

    Example:
        >>> import torch
        >>> bank = MemoryBank(feat_dim=2)
        >>> bank.allocate(num_slots=3)
        >>> bank.write(torch.tensor([2]), torch.tensor([[0.6, 0.8]]), torch.tensor([7]))
        >>> bank.labels.tolist()
        [-1, -1, 7]
    """

    features: Tensor
    labels: Tensor

    def __init__(self, feat_dim: int = 256, dtype: str = 'float32') -> None:
        super().__init__()
        if dtype not in ('float32', 'float16'):
            raise InputError(f"bank_dtype is {dtype!r}, it must be 'float32' or 'float16'")
        if not (isinstance(feat_dim, int) and feat_dim > 0):
            raise InputError(f'feat_dim is {feat_dim!r}, it must be an integer from 1')
        self.feat_dim = feat_dim
        self.register_buffer('features', torch.zeros(0, feat_dim, dtype=getattr(torch, dtype)))
        self.register_buffer('labels', torch.zeros(0, dtype=torch.long))

    @property
    def num_slots(self) -> int:
        """Number of slots S."""
        return len(self.labels)

    def allocate(self, num_slots: int) -> None:
        """Empty the bank and give it slots.

        Args:
            num_slots: Number of training samples S.
        """
        if not isinstance(num_slots, int) or num_slots < 1:
            raise InputError(f'a memory bank has {num_slots!r} slots, expected an integer from 1')
        self.features = self.features.new_zeros(num_slots, self.feat_dim)
        self.labels = self.labels.new_full((num_slots,), EMPTY)

    def check_slots(self, indices: Tensor) -> None:
        """Refuse indices without a slot.

        Indices on a GPU are not read, which would synchronise with it.

        Raises:
            InputError: If the bank has no slots, or none for one of the indices.
        """
        if self.num_slots == 0:
            raise InputError(
                'the memory bank has no slots: call bank.allocate(number of training samples), or '
                'in a config add MemoryBankHook to custom_hooks'
            )
        if on_cpu(indices) and not 0 <= int(indices.min()) <= int(indices.max()) < self.num_slots:
            raise InputError(
                f'sample_idx {int(indices.min())} to {int(indices.max())} do not all have a slot '
                f'in a memory bank of {self.num_slots}: it was made for another training set'
            )

    @torch.no_grad()
    def write(self, indices: Tensor, z: Tensor, labels: Tensor, last: Tensor | None = None) -> None:
        """Write features into their slots; of a sample that comes twice the last one counts.

        Args:
            indices: Slots (N,).
            z: L2-normalised features (N, D).
            labels: Classes (N,); a row with :data:`NOT_FINITE` is not written.
            last: The :func:`last_occurrence` of each index among the rows that are, if known.
        """
        if last is None:
            last = last_occurrence(indices, labels != NOT_FINITE)
        # Equal values for equal slots: which of two writes comes last is undefined on a GPU.
        z, kept = z[last].to(self.features.dtype), last < 0
        self.features[indices] = self.features[indices].where(kept.unsqueeze(1), z)
        self.labels[indices] = self.labels[indices].where(kept, labels[last])

    def similarities(self, z: Tensor, rows: int | None = None) -> Tensor:
        """The cosine similarity of each slot to each anchor, in the precision of ``z``.

        Args:
            z: L2-normalised features (N, D).
            rows: Slots that are converted at a time when the bank has another precision; on a GPU
                by default many, which is few operations.

        Returns:
            (S, N).
        """
        rows = rows or (1 << 13 if on_cpu(z) else 1 << 17)
        if self.features.dtype == z.dtype or self.num_slots <= rows:
            return _product(self.features.to(z.dtype), z)
        result = z.new_empty(self.num_slots, len(z))
        for chunk, part in zip(self.features.split(rows), result.split(rows), strict=True):
            part.copy_(_product(chunk.to(z.dtype), z))
        return result

    def weighted_sum(self, indices: Tensor, weights: Tensor) -> Tensor:
        """Add up slots.

        Args:
            indices: Slots (N, K).
            weights: (N, K).

        Returns:
            (N, D) in the precision of ``weights``.
        """
        if self.features.dtype == weights.dtype:
            return F.embedding_bag(indices, self.features, per_sample_weights=weights, mode='sum')
        if not on_cpu(weights):
            chosen = self.features[indices].to(weights.dtype)  # (N, K, D)
            return torch.bmm(weights.unsqueeze(1), chosen).squeeze(1)
        in_turn = torch.arange(indices.shape[1], device=indices.device).unsqueeze(0)  # (1, K)
        sums = [
            F.embedding_bag(
                in_turn,
                self.features[row].to(weights.dtype),  # (K, D)
                per_sample_weights=row_weights.unsqueeze(0),
                mode='sum',
            )
            for row, row_weights in zip(indices, weights, strict=True)
        ]
        return torch.cat(sums)

    def _load_from_state_dict(
        self, state_dict: dict, prefix: str, *args: object, **kwargs: object
    ) -> None:
        found = state_dict.get(f'{prefix}features')
        if found is not None:
            if self.num_slots == 0 and found.ndim == 2 and found.shape[1] == self.feat_dim:
                if len(found):
                    self.allocate(len(found))
            elif found.shape != self.features.shape:
                raise InputError(
                    f'the memory bank in the checkpoint ({prefix}features) has '
                    f'{" x ".join(map(str, found.shape))} numbers, the model needs '
                    f'{" x ".join(map(str, self.features.shape))} (training samples x '
                    'model.neck.feat_dim): resume with the training set and width that it was '
                    'made with, or start a new run from its weights with load_from'
                )
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)
        if found is not None:
            self._empty_damaged(prefix)

    def _empty_damaged(self, prefix: str) -> None:
        """Empty the slots that are not finite: one would make the gradients NaN."""
        damaged = ~torch.linalg.vector_norm(self.features, dim=1).isfinite()
        if damaged.any():
            self.features[damaged] = 0
            self.labels[damaged] = EMPTY
            print_log(
                f'{int(damaged.sum())} of {self.num_slots} slots of the memory bank in the '
                f'checkpoint ({prefix}features) are not finite and start empty.',
                logger='current',
                level=logging.WARNING,
            )
