"""The contrast of CSRE: a batch against a memory bank of the whole training set."""

import math
from typing import Any

import torch
from mmaction.registry import MODELS
from mmengine import dist
from torch import Tensor, nn

from csre_mm.models.losses.class_index import index_classes
from csre_mm.models.losses.comparison import Settings, Statistics
from csre_mm.models.losses.contrast import Chance, compare, contrast, normalize
from csre_mm.models.losses.join_batch import JoinedBatch, agree
from csre_mm.models.losses.memory_bank import MemoryBank
from csre_mm.models.losses.pair_mining import LabelPairs
from csre_mm.models.losses.random_negatives import Draws, draw, random_negatives
from csre_mm.utils.device import on_cpu
from csre_mm.utils.errors import InputError
from csre_mm.utils.random import mix_seeds


@MODELS.register_module()
class MemoryContrastLoss(nn.Module):
    """Contrast features with a bank that holds a feature of every training sample.

    For an anchor z of class y with the similarities z . B to the bank: the positives P are the K+
    slots of class y with the lowest similarity; the hard negatives are the K- slots of other
    classes with the highest; the random negatives are K- slots of other classes. The loss is the
    mean over anchors, over P and over the two sets of negatives of :func:`info_nce`. Source: CSRE
    (Zhang, Yin, Dang; Pattern Recognition 164, 2025); docs/paper_vs_code.md has the differences.

    Args:
        feat_dim: Width D of the features.
        num_positives: K+: a number, a fraction (float) of the filled slots of the anchor's class,
            or None for a number that follows from the size of the bank (:meth:`num_pairs`).
        num_negatives: K-, for each of the two sets: likewise, of the slots of other classes.
        temperature: t.
        gate: ``'strict'`` leaves out an anchor until there are K+ positives and K- negatives, as
            the release does; ``'adaptive'`` takes min(K, available) and leaves out only an anchor
            without a positive or without a negative.
        update: Whether the batch is written into the bank ``'before'`` it is compared, as the
            release does, or ``'after'``.
        loss_weight: Factor of the loss; None for one that follows from the size of the bank
            (:meth:`weight`).
        warmup_iters: Iterations in which the factor rises linearly from 0, while the features of
            the encoder form; the bank is written from the first iteration on.
        bank_dtype: ``'float32'``, or ``'float16'`` for half the memory; similarities are computed
            in float32 either way.
        num_slots: Training samples, a slot each; without it ``bank.allocate`` (:class:`MemoryBank`)
            has to be called before the first step.

    Raises:
        InputError: If an argument is out of its range.

    Example:
        >>> import torch
        >>> loss = MemoryContrastLoss(feat_dim=8, num_slots=100)
        >>> z = torch.randn(4, 8, requires_grad=True)
        >>> value = loss(z, labels=torch.tensor([0, 0, 1, 1]), indices=torch.tensor([5, 9, 0, 7]))
        >>> value.backward()
        >>> value.shape, z.grad.shape, int((loss.bank.labels >= 0).sum())
        (torch.Size([]), torch.Size([4, 8]), 4)
    """

    def __init__(
        self,
        feat_dim: int = 256,
        num_positives: int | float | None = 128,
        num_negatives: int | float | None = 512,
        temperature: float = 0.8,
        gate: str = 'adaptive',
        update: str = 'before',
        loss_weight: float | None = 1.0,
        warmup_iters: int = 0,
        bank_dtype: str = 'float32',
        num_slots: int | None = None,
    ) -> None:
        super().__init__()
        for name, value in (('num_positives', num_positives), ('num_negatives', num_negatives)):
            if type(value) not in (int, float, type(None)):
                raise InputError(
                    f'{name} of the contrast is {value!r}, expected an integer, a fraction or None'
                )
            if isinstance(value, float) and not 0 < value <= 1:
                raise InputError(
                    f'{name} of the contrast is {value}, as a fraction it must be above 0 and at '
                    'most 1'
                )
            if isinstance(value, int) and value < 1:
                raise InputError(f'{name} of the contrast is {value}, it must be at least 1')
        if not (_is_from_zero(temperature) and temperature):
            raise InputError(f'temperature of the contrast is {temperature!r}, it must be above 0')
        if not _is_from_zero(warmup_iters):
            raise InputError(f'warmup_iters of the contrast is {warmup_iters!r}, it must be from 0')
        if loss_weight is not None and not _is_from_zero(loss_weight):
            raise InputError(f'loss_weight of the contrast is {loss_weight!r}, it must be from 0')
        if gate not in ('adaptive', 'strict'):
            raise InputError(f"gate of the contrast is {gate!r}, it must be 'adaptive' or 'strict'")
        if update not in ('before', 'after'):
            raise InputError(f"update of the contrast is {update!r}, not 'before' or 'after'")
        self.num_positives = num_positives
        self.num_negatives = num_negatives
        self.temperature = temperature
        self.gate = gate
        self.update = update
        self.loss_weight = loss_weight
        self.warmup_iters = warmup_iters
        self.bank = MemoryBank(feat_dim, bank_dtype)
        if num_slots is not None:
            self.bank.allocate(num_slots)
        self._seed: int | None = None
        self._step = 0
        self._largest_batch: int | None = None  # of any rank
        self._is_compiled = False
        self.normalize, self.compare = normalize, compare

    def forward(
        self, z: Tensor, labels: Tensor, indices: Tensor, return_statistics: bool = False
    ) -> Tensor | tuple[Tensor, Statistics]:
        """Compute the loss of a batch and write the batch into the bank.

        Args:
            z: Features (N, D), of any length.
            labels: Classes (N,), int64.
            indices: Positions of the samples in the training set (N,), int64.
            return_statistics: Whether to return the statistics, too.

        Returns:
            A scalar; without an active anchor it is zero with a gradient of zero. With
            ``return_statistics`` also a dictionary of scalars: ``anchors``, the fraction of active
            anchors; ``bank_filled``, the fraction of slots that are filled; and the mean
            similarities ``positive_sim``, ``hard_negative_sim`` and ``random_negative_sim``.

        Raises:
            InputError: If the bank has no slots, or none for one of the indices.
        """
        ((loss, statistics),) = contrast([self], [z], labels, indices)
        return (loss, statistics) if return_statistics else loss

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Compile the steps of the contrast by ``torch.compile``, which gets the arguments.

        ``fullgraph=True`` works. Random numbers are drawn before the graph, and processes exchange
        their batches outside of it, so nothing in it changes from step to step but tensors. Losses
        that are computed together use what the first of them compiled.
        """
        self._is_compiled = True
        self.normalize = torch.compile(normalize, *args, **kwargs)
        self.compare = torch.compile(compare, *args, **kwargs)

    def start(self, size: int, device: torch.device) -> int:
        """Agree with the other ranks on the seed and the largest batch, in the first step.

        Args:
            size: N of this rank.
            device: Where the collectives run.

        Returns:
            N of the largest batch.
        """
        if self._largest_batch is None or dist.get_world_size() == 1:
            seed = torch.initial_seed() % (1 << 31)
            self._largest_batch, seed = agree(size, seed, device)
            if self._seed is None:
                self._seed = seed
        return self._largest_batch

    def advance(self, batch: JoinedBatch) -> Chance:
        """Count a step, and seed a generator by it, so that a resumed run draws the same."""
        assert self._seed is not None
        device, rows = batch.labels.device, len(batch.labels)
        self._step += 1
        generator = torch.Generator(device).manual_seed(mix_seeds(self._seed, self._step))
        source: torch.Generator | Draws = generator
        if self._is_compiled:
            source = draw(self.num_pairs()[1], self.bank.num_slots, rows, generator, device)
        return Chance(source, torch.full((), self.weight(), device=device))

    def num_pairs(self, num_slots: int | None = None) -> tuple[int | float, int | float]:
        """K+ and K- as given, or where they are None S / 40 and S / 8 of S slots.

        They are at least 1 and at most the paper's 128 and 512, which they reach at 5,120 and 4,096
        slots.

        Args:
            num_slots: S, by default that of the bank.
        """
        slots = self.bank.num_slots if num_slots is None else num_slots
        derived = min(max(slots // 40, 1), 128), min(max(slots // 8, 1), 512)
        given = self.num_positives, self.num_negatives
        positives, negatives = (d if g is None else g for g, d in zip(given, derived, strict=True))
        return positives, negatives

    def weight(self, after_warmup: bool = False) -> float:
        """The factor of the loss in this step, or after the warm-up.

        Where ``loss_weight`` is None it is S / 10,000 of S slots, at most the paper's 1: with few
        samples two contrasts of weight 1 are several times the classification loss.
        """
        weight = self.loss_weight
        if weight is None:
            weight = min(self.bank.num_slots / 10_000, 1.0)
        if after_warmup or self._step >= self.warmup_iters:
            return weight
        return weight * self._step / self.warmup_iters

    def settings(self) -> Settings:
        """How features are compared with the bank."""
        return Settings(*self.num_pairs(), self.temperature, self.gate)

    @torch.no_grad()
    def pair_labels(self, batch: JoinedBatch, source: torch.Generator | Draws) -> LabelPairs:
        """Sort the slots by class and draw random negatives for the anchors of this rank (N,)."""
        everyone, rows = index_classes(batch.labels, self.bank.labels), batch.rows
        classes = everyone.of(rows)
        members = classes.members() if on_cpu(batch.labels) else None
        count, total = self.num_pairs()[1], len(batch.labels)
        random = random_negatives(classes, count, source, total, rows.start)
        return LabelPairs(classes, everyone, rows, members, random)

    def get_extra_state(self) -> Tensor:
        """Seed and step, so that a resumed run draws the random negatives of the whole one.

        A tensor on the device of the bank, because mmengine broadcasts it between ranks.
        """
        seed = -1 if self._seed is None else self._seed
        return self.bank.labels.new_tensor([seed, self._step])

    def set_extra_state(self, state: Tensor) -> None:
        """Take over :meth:`get_extra_state` of the run that is resumed."""
        seed, self._step = state.tolist()
        self._seed = None if seed < 0 else seed


def _is_from_zero(value: Any) -> bool:
    """Whether a value is a finite number from 0."""
    return isinstance(value, int | float) and 0 <= value < math.inf
