import math

import pytest
import torch

from csre_mm.models import MemoryBank
from csre_mm.models.losses import memory_bank
from csre_mm.models.losses.memory_bank import last_occurrence
from csre_mm.utils.errors import InputError


def test_last_occurrence():
    assert last_occurrence(torch.tensor([4, 7, 4, 9, 7])).tolist() == [2, 4, 2, 3, 4]


def test_write_leaves_other_slots_and_takes_the_last_of_a_double():
    bank = MemoryBank(2)
    bank.allocate(4)
    z = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    bank.write(torch.tensor([2, 0, 2]), z, torch.tensor([5, 6, 7]))
    assert bank.features.tolist() == [[0, 1], [0, 0], [-1, 0], [0, 0]]
    assert bank.labels.tolist() == [6, -1, 7, -1]


@pytest.mark.parametrize('dtype', ['float32', 'float16'])
def test_similarities_and_weighted_sum(dtype):
    bank = MemoryBank(3, dtype)
    bank.allocate(10)
    bank.features.copy_(torch.arange(30.0).view(10, 3) / 32)
    z = torch.tensor([[0.5, 1.0, -1.0], [1.0, 0.0, 0.25]])
    expected = bank.features.float() @ z.T
    torch.testing.assert_close(bank.similarities(z, rows=4), expected)
    indices, weights = torch.tensor([[1, 1, 3], [0, 9, 2]]), torch.rand(2, 3)
    expected = (weights.unsqueeze(2) * bank.features[indices].float()).sum(1)
    torch.testing.assert_close(bank.weighted_sum(indices, weights), expected)


def test_a_bank_without_slots_takes_the_size_in_the_checkpoint():
    bank = MemoryBank(2)
    bank.allocate(3)
    bank.write(torch.tensor([1]), torch.ones(1, 2), torch.tensor([4]))
    other = MemoryBank(2)
    other.load_state_dict(bank.state_dict())
    assert torch.equal(other.features, bank.features) and other.labels.tolist() == [-1, 4, -1]


@pytest.mark.parametrize('bad', [math.nan, math.inf, 1e38])  # the square of the last is infinite
def test_slots_of_a_checkpoint_that_are_not_finite_start_empty_and_this_is_said(bad, monkeypatch):
    said = []
    monkeypatch.setattr(memory_bank, 'print_log', lambda message, **_: said.append(message))
    bank, other = MemoryBank(2), MemoryBank(2)
    bank.allocate(3)
    bank.write(torch.tensor([1, 2]), torch.eye(2), torch.tensor([4, 5]))
    bank.features[1, 0] = bad
    other.load_state_dict(bank.state_dict())
    assert other.features.tolist() == [[0, 0], [0, 0], [0, 1]]
    assert other.labels.tolist() == [-1, -1, 5]
    assert said == [
        '1 of 3 slots of the memory bank in the checkpoint (features) are not finite and start '
        'empty.'
    ]


@pytest.mark.parametrize('slots, width', [(4, 2), (3, 5)])
def test_another_size_is_one_line_with_both_numbers(slots, width):
    bank = MemoryBank(2)
    bank.allocate(3)
    other = MemoryBank(width)
    other.allocate(slots)
    message = f'has 3 x 2 numbers, the model needs {slots} x {width}'
    with pytest.raises(InputError, match=message) as caught:
        other.load_state_dict(bank.state_dict())
    assert '\n' not in str(caught.value)


def test_allocate_needs_a_slot():
    with pytest.raises(InputError, match='has 0 slots, expected an integer from 1'):
        MemoryBank().allocate(0)
