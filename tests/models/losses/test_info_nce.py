import math

import pytest
import torch

from csre_mm.models.losses import info_nce


def test_equals_the_cross_entropy_of_every_pair():
    generator = torch.Generator().manual_seed(0)
    positives = torch.rand(3, 4, generator=generator, dtype=torch.float64)
    negatives = torch.rand(3, 5, generator=generator, dtype=torch.float64)
    logits = torch.cat(
        [positives.unsqueeze(2), negatives.unsqueeze(1).expand(-1, 4, -1)], 2
    )  # (3, 4, 1 + 5)
    expected = -torch.log_softmax(logits / 0.8, 2)[..., 0].mean(1)
    torch.testing.assert_close(info_nce(positives, negatives, 0.8), expected)


def test_masked_entries_do_not_count():
    positives = torch.tensor([[0.1, 9.0]])
    negatives = torch.tensor([[0.3, 9.0, -0.2]])
    masks = torch.tensor([[True, False]]), torch.tensor([[True, False, True]])
    expected = info_nce(positives[:, :1], negatives[:, [0, 2]], 0.5)
    torch.testing.assert_close(info_nce(positives, negatives, 0.5, *masks), expected)


@pytest.mark.parametrize('count', [1, 512])
def test_all_equal(count):
    value = info_nce(torch.zeros(1, 3), torch.zeros(1, count), 0.8)
    assert value.item() == pytest.approx(math.log(1 + count), rel=1e-6)


def test_nothing_to_compare_is_zero_with_a_finite_gradient():
    positives = torch.zeros(1, 2, requires_grad=True)
    negatives = torch.zeros(1, 2, requires_grad=True)
    none = torch.zeros(1, 2, dtype=torch.bool)
    value = info_nce(positives, negatives, 0.1, none, none).sum()
    value.backward()
    assert value.item() == 0
    assert not positives.grad.any() and not negatives.grad.any()


def test_without_any_positive_it_is_zero():
    assert info_nce(torch.zeros(2, 0), torch.zeros(2, 3), 0.1).tolist() == [0, 0]


def test_extreme_similarities_stay_finite():
    value = info_nce(torch.tensor([[-1.0]]), torch.ones(1, 512), temperature=1e-3)
    assert value.item() == pytest.approx(2000 + math.log(512), rel=1e-6)
