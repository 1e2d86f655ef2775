import math

import pytest
import torch
import torch.nn.functional as F

from csre_mm.models import MemoryContrastLoss
from csre_mm.models.losses import memory_contrast_loss
from tests.models.losses.naive import naive_loss

KP, KN, D = 4, 6, 8


def make_loss(num_slots, dtype=torch.float64, **kwargs):
    arguments = dict(feat_dim=D, num_positives=KP, num_negatives=KN) | kwargs
    loss = MemoryContrastLoss(**arguments).to(dtype)
    loss.bank.allocate(num_slots)
    return loss


def fill(bank, filled, class_sizes, generator):
    """Fill a fraction of the slots with L2-normalised features of the given class sizes."""
    labels = torch.cat([torch.full((size,), c) for c, size in enumerate(class_sizes)])
    labels = labels[torch.randperm(len(labels), generator=generator)]
    empty = torch.rand(len(labels), generator=generator) >= filled
    features = torch.randn(len(labels), D, generator=generator, dtype=torch.float64)
    features = F.normalize(features, dim=1)
    bank.features.copy_(features.masked_fill(empty.unsqueeze(1), 0))
    bank.labels.copy_(labels.masked_fill(empty, -1))
    return labels


def spy_on_random_negatives(monkeypatch):
    drawn = []
    draw = memory_contrast_loss.random_negatives

    def spy(*args, **kwargs):
        slots, valid = draw(*args, **kwargs)
        rows = zip(slots, valid, strict=True)
        drawn.extend({int(i) for i in row[row_valid]} for row, row_valid in rows)
        return slots, valid

    monkeypatch.setattr(memory_contrast_loss, 'random_negatives', spy)
    return drawn


@pytest.mark.parametrize('dtype, tolerance', [(torch.float64, 1e-10), (torch.float32, 1e-5)])
@pytest.mark.parametrize('update', ['before', 'after'])
@pytest.mark.parametrize('gate', ['adaptive', 'strict'])
@pytest.mark.parametrize('filled', [0.0, 0.5, 1.0])
@pytest.mark.parametrize('class_sizes', [(12, 12, 12), (1, 30, 5), (3, 3, 70)])
def test_equals_the_naive_loop(monkeypatch, dtype, tolerance, update, gate, filled, class_sizes):
    generator = torch.Generator().manual_seed(0)
    loss = make_loss(sum(class_sizes), dtype, gate=gate, update=update, temperature=0.5)
    all_labels = fill(loss.bank, filled, class_sizes, generator)
    indices = torch.randint(len(all_labels), (7,), generator=generator)
    indices[5] = indices[2]  # the same sample twice in a batch
    labels = all_labels[indices]
    z = torch.randn(7, D, generator=generator, dtype=torch.float64).to(dtype)
    before = loss.bank.features.double().clone(), loss.bank.labels.clone()
    drawn = spy_on_random_negatives(monkeypatch)

    ours = z.clone().requires_grad_()
    value = loss(ours, labels, indices)
    value.backward()

    theirs = z.double().requires_grad_()
    options = dict(kp=KP, kn=KN, t=0.5, gate=gate, update=update)
    expected, features, bank_labels = naive_loss(theirs, labels, indices, *before, drawn, **options)
    expected.backward()

    torch.testing.assert_close(value.double(), expected, rtol=tolerance, atol=tolerance)
    torch.testing.assert_close(ours.grad.double(), theirs.grad, rtol=tolerance, atol=tolerance)
    torch.testing.assert_close(loss.bank.features.double(), features, rtol=0, atol=tolerance)
    assert torch.equal(loss.bank.labels, bank_labels)


def test_equal_features_give_the_logarithm_of_one_plus_the_negatives():
    loss = make_loss(40)
    loss.bank.features.fill_(1 / math.sqrt(D))
    loss.bank.labels.copy_(torch.arange(40) % 2)
    z = torch.ones(4, D, dtype=torch.float64)
    value = loss(z, torch.tensor([0, 1, 0, 1]), torch.arange(4))
    assert value.item() == pytest.approx(math.log(1 + KN), abs=1e-12)


@pytest.mark.parametrize('update', ['before', 'after'])
def test_the_gradient_is_that_of_a_constant_bank(update):
    """With ``update='before'`` the bank holds the anchors, but has no gradient."""
    counts = dict(num_positives=10, num_negatives=20)  # all of them: none is drawn
    loss = make_loss(30, update=update, temperature=0.5, **counts)
    generator = torch.Generator().manual_seed(1)
    labels, indices = fill(loss.bank, 1.0, (10, 10, 10), generator)[:5], torch.arange(5)
    unwritten = loss.bank.features.clone()
    z = torch.randn(5, D, generator=generator, dtype=torch.float64, requires_grad=True)
    loss(z, labels, indices).backward()
    bank = loss.bank.features.clone() if update == 'before' else unwritten
    assert not torch.equal(loss.bank.features, unwritten)

    def naive(z):
        bank_and_drawn = bank, loss.bank.labels, [range(30)] * 5
        options = dict(kp=10, kn=20, t=0.5, gate='adaptive', update='after')
        return naive_loss(z, labels, indices, *bank_and_drawn, **options)[0]

    assert torch.autograd.gradcheck(naive, z, fast_mode=True)  # differences along a direction
    (expected,) = torch.autograd.grad(naive(z), z)
    torch.testing.assert_close(z.grad, expected, rtol=1e-10, atol=1e-10)


def test_the_bank_gets_no_gradient():
    loss = make_loss(30)
    labels = fill(loss.bank, 1.0, (15, 15), torch.Generator().manual_seed(0))
    z = torch.randn(4, D, dtype=torch.float64, requires_grad=True)
    loss(z, labels[:4], torch.arange(4)).backward()
    assert not loss.bank.features.requires_grad and loss.bank.features.grad is None
    assert list(loss.parameters()) == []


def test_backward_after_the_bank_was_written_again():
    loss = make_loss(30)
    labels = fill(loss.bank, 1.0, (15, 15), torch.Generator().manual_seed(0))
    z = torch.randn(4, D, dtype=torch.float64, requires_grad=True)
    value = loss(z, labels[:4], torch.arange(4))
    (expected,) = torch.autograd.grad(value, z, retain_graph=True)
    loss.bank.features.zero_()
    value.backward()
    assert torch.equal(z.grad, expected)


@pytest.mark.parametrize(
    'labels, gate', [([0, 0, 0], 'adaptive'), ([0, 1, 2], 'strict')], ids=['one class', 'strict']
)
def test_without_active_anchors_the_loss_and_its_gradient_are_zero(labels, gate):
    loss = make_loss(9, torch.float32, gate=gate)
    z = torch.randn(3, D, requires_grad=True)
    value, statistics = loss(z, torch.tensor(labels), torch.arange(3), return_statistics=True)
    assert value.item() == 0 and value.requires_grad
    value.backward()
    assert torch.equal(z.grad, torch.zeros_like(z))
    assert statistics['anchors'] == 0


def test_loss_weight_scales_value_and_gradient():
    grads = []
    for weight in (1.0, 0.25):
        loss = make_loss(30, loss_weight=weight)
        labels = fill(loss.bank, 1.0, (15, 15), torch.Generator().manual_seed(0))
        z = torch.linspace(-1, 1, 4 * D, dtype=torch.float64).view(4, D).requires_grad_()
        value = loss(z, labels[:4], torch.arange(4))
        value.backward()
        grads.append((value.detach(), z.grad))
    torch.testing.assert_close(grads[0][0] / 4, grads[1][0])
    torch.testing.assert_close(grads[0][1] / 4, grads[1][1])


def test_statistics():
    loss = make_loss(8, torch.float32, num_negatives=2, num_positives=1)
    loss.bank.features.copy_(F.one_hot(torch.arange(8), D))
    loss.bank.labels.copy_(torch.tensor([0, 0, 1, 1, -1, -1, -1, -1]))
    z = F.one_hot(torch.tensor([0]), D).float()  # its own slot, and orthogonal to the others
    _, statistics = loss(z, torch.tensor([0]), torch.tensor([0]), return_statistics=True)
    assert {name: value.item() for name, value in statistics.items()} == {
        'anchors': 1.0,
        'bank_filled': 0.5,
        'positive_sim': 0.0,
        'hard_negative_sim': 0.0,
        'random_negative_sim': 0.0,
    }


def test_autocast_does_not_reach_the_similarities():
    values = []
    for enabled in (False, True):
        loss = make_loss(30, torch.float32)
        labels = fill(loss.bank, 1.0, (15, 15), torch.Generator().manual_seed(0))
        z = torch.linspace(-1, 1, 4 * D).view(4, D)
        with torch.autocast('cpu', torch.bfloat16, enabled=enabled):
            values.append(loss(z, labels[:4], torch.arange(4)))
    assert torch.equal(*values) and values[1].dtype == torch.float32


def test_half_precision_bank_is_close():
    values = []
    for bank_dtype in ('float32', 'float16'):
        loss = MemoryContrastLoss(D, KP, KN, bank_dtype=bank_dtype)
        loss.bank.allocate(30)
        labels = fill(loss.bank, 1.0, (15, 15), torch.Generator().manual_seed(0))
        z = torch.linspace(-1, 1, 4 * D).view(4, D).requires_grad_()
        value = loss(z, labels[:4], torch.arange(4))
        value.backward()
        values.append((value.detach(), z.grad))
    assert loss.bank.features.dtype == torch.float16
    torch.testing.assert_close(values[0], values[1], rtol=2e-3, atol=2e-3)


def test_random_negatives_follow_the_seed_and_the_step(monkeypatch):
    def slots(seed, steps, state=None):
        drawn = spy_on_random_negatives(monkeypatch)
        torch.manual_seed(seed)
        loss = make_loss(60)
        labels = fill(loss.bank, 1.0, (30, 30), torch.Generator().manual_seed(0))
        if state is not None:
            loss.load_state_dict(state)
        z = torch.ones(2, D, dtype=torch.float64)
        for _ in range(steps):
            loss(z, labels[:2], torch.arange(2))
        monkeypatch.undo()
        return drawn, loss.state_dict()

    first, state = slots(seed=0, steps=2)
    again, _ = slots(seed=0, steps=3)
    assert again[:4] == first and again[4:] != first[:2] != first[2:]
    other, _ = slots(seed=1, steps=2)
    assert other != first
    resumed, _ = slots(seed=5, steps=1, state=state)
    assert resumed == again[4:]


def test_the_global_generator_is_left_alone():
    loss = make_loss(30)
    labels = fill(loss.bank, 1.0, (15, 15), torch.Generator().manual_seed(0))
    state = torch.get_rng_state()
    loss(torch.ones(4, D, dtype=torch.float64), labels[:4], torch.arange(4))
    assert torch.equal(state, torch.get_rng_state())
