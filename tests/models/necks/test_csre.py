import re

import pytest
import torch

from csre_mm.models import CSRE, STFD, MemoryContrastLoss
from csre_mm.utils.errors import InputError

LABELS, INDICES = torch.tensor([0, 1, 0, 1]), torch.tensor([3, 1, 9, 0])


def make_csre(shape=(16, 5, 7), **kwargs):
    torch.manual_seed(0)
    return CSRE(shape, **({'num_samples': 10, 'feat_dim': 8} | kwargs))


def test_the_losses_are_those_of_both_features_alone():
    """What is computed once for both contrasts changes neither."""
    csre, x = make_csre(), torch.randn(4, 2, 16, 5, 7)
    losses = csre(x, LABELS, INDICES)
    for name, z in zip(('spatial', 'temporal'), csre.stfd(x), strict=True):
        torch.manual_seed(0)
        alone = MemoryContrastLoss(8, None, None, loss_weight=None, num_slots=10)
        value, statistics = alone(z, LABELS, INDICES, return_statistics=True)
        assert torch.equal(losses[f'loss_contrast_{name}'], value) and value > 0
        for key, number in statistics.items():
            assert torch.equal(losses[f'{name}_{key}'], number)
        assert torch.equal(getattr(csre, f'loss_{name}').bank.features, alone.bank.features)


@pytest.mark.parametrize('shape', [(4, 16, 5, 7), (4, 1, 16, 5, 7)])
def test_a_feature_map_without_persons_has_one(shape):
    x = torch.randn(4, 16, 5, 7)
    expected = make_csre()(x.unsqueeze(1), LABELS, INDICES)
    found = make_csre((3, 16, 5, 7))(x.view(shape), LABELS, INDICES)
    torch.testing.assert_close(found, expected, rtol=0, atol=0)


def test_persons_that_an_encoder_folded_into_the_batch():
    x = torch.randn(4, 2, 16, 5, 7)
    expected = make_csre()(x, LABELS, INDICES)
    torch.testing.assert_close(make_csre()(x.flatten(0, 1), LABELS, INDICES), expected)


def test_evaluation_returns_no_losses_and_writes_no_bank():
    csre = make_csre().eval()
    assert csre(torch.randn(4, 16, 5, 7), LABELS, INDICES) == {}
    assert (csre.loss_spatial.bank.labels == -1).all()


def test_a_checkpoint_brings_banks_and_step_along():
    first, x = make_csre(), torch.randn(4, 16, 5, 7)
    first(x, LABELS, INDICES)
    second = make_csre(num_samples=None)
    second.load_state_dict(first.state_dict())
    torch.testing.assert_close(second(x, LABELS, INDICES), first(x, LABELS, INDICES))


@pytest.mark.parametrize(
    'x, labels, indices, message',
    [
        (torch.zeros(4, 8, 5, 7), LABELS, INDICES, 'in_channels 8, .* feature_map_shape'),
        (torch.zeros(3, 16, 5, 7), LABELS, INDICES, r'the shape \(3, 16, 5, 7\) for 4 samples'),
        (torch.zeros(4, 16), LABELS, INDICES, r'expected \(N, M, C, T, V\)'),
        (torch.zeros(4, 16, 5, 7), LABELS.int(), INDICES, 'torch.int32'),
        (torch.zeros(4, 16, 5, 7), torch.eye(4).long(), INDICES, 'argmax'),
        (torch.zeros(4, 16, 5, 7), LABELS, INDICES + 1, '1 to 10 do not all have a slot'),
    ],
)
def test_a_wrong_batch_is_one_line(x, labels, indices, message):
    with pytest.raises(InputError, match=message) as caught:
        make_csre()(x, labels, indices)
    assert '\n' not in str(caught.value)


def test_the_largest_seed_has_a_successor():
    torch.manual_seed(-1)  # 2 ** 64 - 1, as an unsigned number
    weight = CSRE((16, 5, 7)).stfd.spatial.project.weight
    torch.manual_seed(0)
    assert torch.equal(weight, STFD(16, 5, 7).spatial.project.weight)


@pytest.mark.parametrize('shape', [(16, 5), (16, 5.0, 7), (16, 0, 7), (2, 2, 16, 5, 7)])
def test_a_wrong_shape_is_one_line(shape):
    message = f'feature_map_shape is {shape}, expected (C, T, V) or (M, C, T, V), integers from 1'
    with pytest.raises(InputError, match=re.escape(message)):
        CSRE(shape)


def test_wrong_numbers_of_samples_and_of_the_reduction():
    with pytest.raises(InputError, match=r'has 10\.0 slots, expected an integer from 1'):
        make_csre(num_samples=10.0)
    with pytest.raises(InputError, match=r'reduction is 2\.5, it must be an integer from 1'):
        make_csre(reduction=2.5)
