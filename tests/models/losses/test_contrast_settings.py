"""The arguments of the loss: checked, derived from the bank, warmed up."""

import math

import numpy as np
import pytest
import torch

from csre_mm.models import MemoryContrastLoss
from csre_mm.models.losses.pair_mining import most_of
from csre_mm.utils.errors import InputError
from tests.models.losses.naive import naive_loss
from tests.models.losses.test_memory_contrast_loss import (
    D,
    fill,
    make_loss,
    spy_on_random_negatives,
)


@pytest.mark.parametrize(
    'arguments, message',
    [
        (dict(num_positives=0), 'num_positives of the contrast is 0, it must be at least 1'),
        (dict(num_negatives=-1), 'num_negatives of the contrast is -1'),
        (dict(warmup_iters=-1), 'warmup_iters of the contrast is -1, it must be from 0'),
        (dict(temperature=0), 'temperature of the contrast is 0, it must be above 0'),
        (dict(gate='soft'), "gate of the contrast is 'soft', it must be 'adaptive' or 'strict'"),
        (dict(num_positives=1.5), 'as a fraction it must be above 0 and at most 1'),
        (dict(temperature=float('nan')), 'temperature of the contrast is nan'),
        (dict(temperature=math.inf), 'temperature of the contrast is inf'),
        (dict(loss_weight=math.nan), 'loss_weight of the contrast is nan, it must be from 0'),
        (dict(loss_weight=math.inf), 'loss_weight of the contrast is inf'),
        (dict(loss_weight=-0.1), 'loss_weight of the contrast is -0.1, it must be from 0'),
        (dict(temperature='0.1'), "temperature of the contrast is '0.1', it must be above 0"),
        (dict(warmup_iters=math.nan), 'warmup_iters of the contrast is nan'),
        (dict(num_positives=math.nan), 'num_positives of the contrast is nan'),
        (dict(num_negatives=math.inf), 'num_negatives of the contrast is inf'),
        (dict(feat_dim=math.nan), 'feat_dim is nan, it must be an integer from 1'),
        (dict(num_positives=True), 'num_positives of the contrast is True, expected an integer'),
        (
            dict(num_negatives='4'),
            "num_negatives of the contrast is '4', expected an integer, a fr",
        ),
        (dict(num_positives=np.int64(4)), 'num_positives of the contrast is .*4.*, expected an'),
        (dict(update='never'), "update of the contrast is 'never'"),
        (dict(bank_dtype='int8'), "bank_dtype is 'int8'"),
    ],
)
def test_arguments_are_checked(arguments, message):
    with pytest.raises(InputError, match=message):
        MemoryContrastLoss(**arguments)


def test_warm_up_scales_the_loss_and_its_gradient():
    z, labels, indices = torch.randn(6, D), torch.arange(6) % 2, torch.arange(6)
    found = {}
    for warmup in (0, 4):
        torch.manual_seed(0)
        loss = MemoryContrastLoss(D, 3, 5, warmup_iters=warmup)
        loss.bank.allocate(6)
        found[warmup] = []
        for _ in range(6):
            anchors = z.clone().requires_grad_()
            value = loss(anchors, labels, indices)
            value.backward()
            found[warmup].append((value.detach(), anchors.grad))
    for step, factor in enumerate((0.25, 0.5, 0.75, 1, 1, 1)):
        (whole, gradient), (scaled, scaled_gradient) = found[0][step], found[4][step]
        torch.testing.assert_close(scaled, factor * whole)
        torch.testing.assert_close(scaled_gradient, factor * gradient)


def test_a_resumed_run_goes_on_with_the_warm_up():
    first = MemoryContrastLoss(D, 3, 5, warmup_iters=4)
    first.bank.allocate(6)
    z, labels, indices = torch.randn(6, D), torch.arange(6) % 2, torch.arange(6)
    first(z, labels, indices)
    second = MemoryContrastLoss(D, 3, 5, warmup_iters=4)
    second.bank.allocate(6)
    second.load_state_dict(first.state_dict())
    torch.testing.assert_close(second(z, labels, indices), first(z, labels, indices))


@pytest.mark.parametrize('filled', [0.5, 1.0])
def test_fractions_are_of_what_each_anchor_has(monkeypatch, filled):
    """Equal to the naive loop with the equivalent numbers for each class."""
    generator = torch.Generator().manual_seed(0)
    loss = make_loss(43, num_positives=0.3, num_negatives=0.25, temperature=0.5)
    all_labels = fill(loss.bank, filled, (8, 20, 15), generator)
    before = loss.bank.features.clone(), loss.bank.labels.clone()
    for label in range(3):
        loss.bank.features.copy_(before[0])
        loss.bank.labels.copy_(before[1])
        drawn = spy_on_random_negatives(monkeypatch)
        indices = torch.where(all_labels == label)[0][:3]
        z = torch.randn(3, D, generator=generator, dtype=torch.float64)
        ours = z.clone().requires_grad_()
        value = loss(ours, all_labels[indices], indices)
        value.backward()
        monkeypatch.undo()
        own = int((loss.bank.labels == label).sum())
        others = int((loss.bank.labels >= 0).sum()) - own
        theirs = z.clone().requires_grad_()
        options = dict(kp=math.ceil(0.3 * own), kn=math.ceil(0.25 * others), t=0.5)
        expected, *_ = naive_loss(
            theirs,
            all_labels[indices],
            indices,
            *before,
            drawn,
            gate='adaptive',
            update='before',
            **options,
        )
        expected.backward()
        torch.testing.assert_close(value, expected, rtol=1e-10, atol=1e-10)
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(
    'slots, pairs, weight',
    [
        (24, (1, 3), 0.0024),
        (1_000, (25, 125), 0.1),
        (40_091, (128, 512), 1),
        (63_026, (128, 512), 1),
    ],
)
def test_what_is_not_given_follows_from_the_size_of_the_bank(slots, pairs, weight):
    loss = MemoryContrastLoss(
        4, num_positives=None, num_negatives=None, loss_weight=None, num_slots=slots
    )
    assert loss.num_pairs() == pairs and loss.weight() == pytest.approx(weight)


def test_labels_and_indices_of_another_form():
    loss, z = make_loss(30, torch.float32), torch.randn(2, D)
    indices = torch.tensor([0, 1])
    with pytest.raises(InputError, match=r'labels .* torch\.int32 .* torch\.int64 .* \(2,\)'):
        loss(z, indices.int(), indices)
    with pytest.raises(InputError, match=r'of one-hot labels take argmax\(1\)'):
        loss(z, torch.eye(2, dtype=torch.long), indices)
    with pytest.raises(InputError, match=r'the indices of the contrast are torch\.float32'):
        loss(z, indices, indices.float())
    with pytest.raises(InputError, match=r'the indices .* of the shape \(1,\)'):
        loss(z, indices, indices[:1])
    with pytest.raises(InputError, match=r'the labels .* of the shape \(\), expected'):
        loss(z, indices[0], indices)
    with pytest.raises(InputError, match=r'the labels .* of the shape \(0,\), expected'):
        loss(z[:0], indices[:0], indices[:0])
    with pytest.raises(InputError, match=r'a label of the contrast is -1, classes count from 0'):
        loss(z, indices - 1, indices)
    with pytest.raises(InputError, match='the indices of the contrast are a list, no tensor'):
        loss(z, indices, [0, 1])
    for wrong in (z[:1], z[:, 1:], z[0]):
        with pytest.raises(InputError, match=r'features .* the shape .*, expected \(2, 8\)'):
            loss(wrong, indices, indices)


def test_a_fraction_is_the_same_number_on_every_device():
    for fraction in (0.6, 0.3, 0.15, 0.55):
        available = torch.arange(1, 1001)
        _, counts = most_of(fraction, available, 1000)
        assert counts.tolist() == [math.ceil(fraction * n) for n in range(1, 1001)]
