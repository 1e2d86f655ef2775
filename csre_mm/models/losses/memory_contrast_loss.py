"""The contrast of CSRE: a batch against a memory bank of the whole training set."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from mmaction.models import BaseWeightedLoss
from mmaction.registry import MODELS
from mmengine import dist
from torch import Tensor

from csre_mm.models.losses.info_nce import info_nce
from csre_mm.models.losses.memory_bank import MemoryBank
from csre_mm.models.losses.pair_mining import (
    ClassIndex,
    Selection,
    gather,
    hardest_negatives,
    hardest_positives,
    index_classes,
    random_negatives,
)
from csre_mm.utils.errors import InputError
from csre_mm.utils.gather import JoinedBatch, join_batch
from csre_mm.utils.random import mix_seeds


class LabelPlan(NamedTuple):
    """What of a step depends on labels alone, so that the second bank need not work it out again.

    Attributes:
        made_for: ``num_negatives`` and ``update`` of the loss that made it.
        classes: The slots by class.
        random: Slots (N, K-) of the random negatives, and (N, K-) which of them are valid.
    """

    made_for: tuple[int, str]
    classes: ClassIndex
    random: tuple[Tensor, Tensor]


class _Pairs(NamedTuple):
    """The slots that each anchor is compared with, and who takes part."""

    positives: Selection
    hard: Selection
    random: Selection
    taking_part: Tensor  # (N,) bool


class _ClosedForm(torch.autograd.Function):
    """A scalar of z whose gradient is known when it is computed.

    The gradient is taken in the forward pass because the bank may be written before the backward
    pass, and because only the selected similarities have one: the way through the matrix of all of
    them would cost as much again as computing it.
    """

    @staticmethod
    def forward(ctx, z: Tensor, loss: Tensor, gradient: Tensor) -> Tensor:  # type: ignore[no-untyped-def]
        ctx.save_for_backward(gradient)
        return loss.clone()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, grad_output: Tensor) -> tuple[Tensor, None, None]:  # type: ignore[no-untyped-def]
        (gradient,) = ctx.saved_tensors
        return grad_output * gradient, None, None


@MODELS.register_module()
class MemoryContrastLoss(BaseWeightedLoss):
    """Contrast features with a bank that holds a feature of every training sample.

    For an anchor z of class y with the similarities z . B to the bank: the positives P are the K+
    slots of class y with the lowest similarity; the hard negatives are the K- slots of other
    classes with the highest; the random negatives are K- slots of other classes. The loss is the
    mean over anchors, over P and over the two sets of negatives of :func:`info_nce`. CSRE: Zhang,
    Yin, Dang, Pattern Recognition 164 (2025), and ``model/loss.py`` of the authors' release; the
    settings in which this differs from them are in docs/paper_vs_code.md.

    Args:
        feat_dim: Width D of the features.
        num_positives: K+.
        num_negatives: K-, for each of the two sets.
        temperature: t.
        gate: ``'strict'`` leaves out an anchor until K+ positives and K- negatives are there, as
            the release does; ``'adaptive'`` takes min(K, available) and leaves out only an anchor
            without a positive or without a negative.
        update: Whether the batch is written into the bank ``'before'`` it is compared, as the
            release does, or ``'after'``.
        loss_weight: Factor of the loss.
        warmup_iters: Iterations in which the factor rises linearly from 0, while the encoder's
            features form; the banks are written from the first on.
        bank_dtype: ``'float32'``, or ``'float16'`` for half the memory; similarities are computed
            in float32 either way.

    Attributes:
        bank: The :class:`MemoryBank`; ``bank.allocate(num_slots)`` comes before the first call.
        statistics: Of the last call, tensors of one number: ``anchors`` (share that took part),
            ``bank_filled`` (share of the slots), ``positive_sim``, ``hard_negative_sim`` and
            ``random_negative_sim`` (mean similarities).
        plan: The :class:`LabelPlan` of the last call.

    Raises:
        InputError: If an argument is out of its range.
    """

    def __init__(
        self,
        feat_dim: int = 256,
        num_positives: int = 128,
        num_negatives: int = 512,
        temperature: float = 0.8,
        gate: str = 'adaptive',
        update: str = 'before',
        loss_weight: float = 1.0,
        warmup_iters: int = 0,
        bank_dtype: str = 'float32',
    ) -> None:
        super().__init__(loss_weight=loss_weight)
        for name, value in (('num_positives', num_positives), ('num_negatives', num_negatives)):
            if value < 1:
                raise InputError(f'{name} of the contrast is {value}, it must be at least 1')
        if temperature <= 0:
            raise InputError(f'temperature of the contrast is {temperature}, it must be above 0')
        if warmup_iters < 0:
            raise InputError(f'warmup_iters of the contrast is {warmup_iters}, it must be from 0')
        if gate not in ('adaptive', 'strict'):
            raise InputError(f"gate of the contrast is {gate!r}, it must be 'adaptive' or 'strict'")
        if update not in ('before', 'after'):
            raise InputError(
                f"update of the contrast is {update!r}, it must be 'before' or 'after'"
            )
        self.num_positives = num_positives
        self.num_negatives = num_negatives
        self.temperature = temperature
        self.gate = gate
        self.update = update
        self.warmup_iters = warmup_iters
        self.bank = MemoryBank(feat_dim, bank_dtype)
        self.statistics: dict[str, Tensor] = {}
        self.plan: LabelPlan
        self._seed: int | None = None
        self._step = 0

    def _forward(
        self, z: Tensor, labels: Tensor, indices: Tensor, plan: LabelPlan | None = None
    ) -> Tensor:
        """Compute the loss of a batch and write it into the bank.

        Args:
            z: Features (N, D), of any length.
            labels: Classes (N,).
            indices: Positions in the training set (N,).
            plan: :attr:`plan` of another loss that was called with every batch that this one was
                called with, this one included; it is used if it was made for the same settings.

        Returns:
            Scalar. Without an anchor that takes part it is zero with a gradient of zero.
        """
        with torch.autocast(z.device.type, enabled=False):
            z = F.normalize(z if z.dtype == torch.float64 else z.float(), dim=1)
            batch = join_batch(z.detach(), labels, indices)
            self.bank.check_slots(batch.indices)
            if self.update == 'before':
                self.bank.write(batch.indices, batch.z, batch.labels)
            self.plan = self._make_plan(labels, batch, plan)
            loss = self._contrast(z)
            if self.update == 'after':
                self.bank.write(batch.indices, batch.z, batch.labels)
        if self._step < self.warmup_iters:
            loss = loss * (self._step / self.warmup_iters)
        return loss

    @torch.no_grad()
    def _make_plan(self, labels: Tensor, batch: JoinedBatch, plan: LabelPlan | None) -> LabelPlan:
        generator = self._generator(labels.device)
        made_for = self.num_negatives, self.update
        if plan is not None and plan.made_for == made_for:
            return plan
        classes = index_classes(labels, self.bank.labels, self.bank.largest_class)
        random = random_negatives(
            classes, self.num_negatives, generator, num_drawn=len(batch.labels), first=batch.first
        )
        return LabelPlan(made_for, classes, random)

    def _contrast(self, z: Tensor) -> Tensor:
        with torch.no_grad():
            pairs = self._select(self.bank.similarities(z.detach()))
        self._record(pairs)
        positives = pairs.positives.values.requires_grad_(z.requires_grad)  # (N, K+)
        negatives = torch.stack([pairs.hard.values, pairs.random.values], 1)  # (N, 2, K-)
        negatives.requires_grad_(z.requires_grad)
        with torch.enable_grad():
            loss = self._mean_over_anchors(positives, negatives, pairs)
        if not z.requires_grad:
            return loss
        of_positives, of_negatives = torch.autograd.grad(loss, (positives, negatives))
        weights = torch.cat([of_positives, of_negatives.flatten(1)], 1)  # (N, K+ + 2 K-)
        chosen = pairs.positives, pairs.hard, pairs.random
        indices = torch.cat([selection.indices for selection in chosen], 1)
        gradient = self.bank.weighted_sum(indices, weights)  # (N, D)
        return _ClosedForm.apply(z, loss.detach(), gradient)

    def _select(self, similarities: Tensor) -> _Pairs:
        """Choose the pairs; ``similarities`` (S, N) are overwritten."""
        _, classes, random = self.plan
        required = (1, 1) if self.gate == 'adaptive' else (self.num_positives, self.num_negatives)
        enough = (classes.num_same >= required[0]) & (classes.num_other >= required[1])
        own = similarities.T.gather(1, classes.members)  # (N, W)
        positives = hardest_positives(own, classes, self.num_positives)
        drawn = gather(similarities, *random)
        hard = hardest_negatives(similarities, own, classes, self.num_negatives)
        return _Pairs(positives, hard, drawn, enough)

    def _mean_over_anchors(self, positives: Tensor, negatives: Tensor, pairs: _Pairs) -> Tensor:
        terms = info_nce(
            positives.unsqueeze(1),
            negatives,
            self.temperature,
            pairs.positives.valid.unsqueeze(1),
            torch.stack([pairs.hard.valid, pairs.random.valid], 1),
        )  # (N, 2)
        terms = terms.mean(1).masked_fill(~pairs.taking_part, 0.0)  # (N,)
        # DistributedDataParallel takes the mean of the gradients of the ranks; times their number
        # it is the gradient of the mean over the anchors of all ranks.
        count = pairs.taking_part.sum()
        dist.all_reduce(count)
        return terms.sum() * dist.get_world_size() / count.clamp(min=1)

    def _generator(self, device: torch.device) -> torch.Generator:
        """A generator seeded by seed and step of the run, so that a resumed run draws the same."""
        if self._seed is None:
            seed = torch.tensor(torch.initial_seed() % (1 << 31), device=device)
            dist.broadcast(seed)
            self._seed = int(seed)
        self._step += 1
        return torch.Generator(device).manual_seed(mix_seeds(self._seed, self._step))

    @torch.no_grad()
    def _record(self, pairs: _Pairs) -> None:
        selections = pairs.positives, pairs.hard, pairs.random
        names = 'positive_sim', 'hard_negative_sim', 'random_negative_sim'
        self.statistics = {
            'anchors': pairs.taking_part.float().mean(),
            'bank_filled': 1 - self.plan.classes.num_empty / self.bank.num_slots,
        }
        for name, chosen in zip(names, selections, strict=True):
            self.statistics[name] = chosen.values.sum().float() / chosen.valid.sum().clamp(min=1)

    def get_extra_state(self) -> Tensor:
        """Seed and step, so that a resumed run draws the random negatives of the whole one.

        A tensor, and where the bank is, because mmengine broadcasts a model's state between ranks.
        """
        seed = -1 if self._seed is None else self._seed
        return self.bank.labels.new_tensor([seed, self._step])

    def set_extra_state(self, state: Tensor) -> None:
        """Take over :meth:`get_extra_state` of the run that is resumed."""
        seed, self._step = state.tolist()
        self._seed = None if seed < 0 else seed
