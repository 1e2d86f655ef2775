import math

import pytest
import torch

from csre_mm.models.losses.contrast import contrast
from tests.models.losses.test_memory_contrast_loss import D, fill, make_loss


@pytest.mark.parametrize('bad', [math.nan, math.inf, -math.inf, 'zero'])
@pytest.mark.parametrize('update', ['before', 'after'])
def test_a_feature_without_a_direction_is_neither_compared_nor_written(update, bad):
    generator = torch.Generator().manual_seed(0)
    losses = [make_loss(24, update=update, num_negatives=24) for _ in range(4)]  # takes all
    labels = fill(losses[0].bank, 1.0, (12, 12), generator)
    for loss in losses[1:]:
        loss.load_state_dict(losses[0].state_dict())
        loss._seed = losses[0]._seed = 1
    bank = losses[0].bank.features.clone()
    indices = torch.arange(6)
    z = [torch.randn(6, D, generator=generator, dtype=torch.float64) for _ in range(2)]
    spoilt = [x.clone() for x in z]
    spoilt[1][2] = 0
    if bad != 'zero':  # which has no direction
        spoilt[1][2, 3] = bad
    for x in z + spoilt:
        x.requires_grad_()
    results = contrast(losses[:2], spoilt, labels[:6], indices)
    sum(value for value, _ in results).backward()
    good = torch.arange(6) != 2
    for loss, x in zip(losses[:2], spoilt, strict=True):
        assert torch.equal(loss.bank.features[2], bank[2]) and int(loss.bank.labels[2]) >= 0
        assert not torch.equal(loss.bank.features[3], bank[3])
        assert not x.grad[2].any() and x.grad[good].isfinite().all() and x.grad[good].any(1).all()
    for _, statistics in results:
        assert statistics['anchors'].item() == pytest.approx(5 / 6)
    # The other anchors get the loss of a batch without the sample.
    expected = contrast(losses[2:], [x[good] for x in z], labels[:6][good], indices[good])
    for (value, _), (other, _) in zip(results, expected, strict=True):
        assert value.item() == pytest.approx(other.item(), rel=1e-12)
    for loss, other in zip(losses[:2], losses[2:], strict=True):
        assert torch.equal(loss.bank.features, other.bank.features)
        assert torch.equal(loss.bank.labels, other.bank.labels)
    # The next batch is not poisoned.
    x = torch.randn(6, D, generator=generator, dtype=torch.float64, requires_grad=True)
    losses[1](x, labels[6:12], indices + 6).backward()
    assert x.grad.isfinite().all()
