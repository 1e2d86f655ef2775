import numpy as np
import pytest
import torch

from csre_mm.evaluation.bank_health import Bank, describe_classes, load_banks
from csre_mm.utils.errors import InputError


def unit(*degrees):
    angles = torch.tensor(degrees, dtype=torch.float64).deg2rad()
    return torch.stack((angles.cos(), angles.sin()), 1).float()


def test_classes_on_a_circle():
    # Class 0 at -10 and 10 degrees, class 3 at 80 and 100, class 5 at 200, and an empty slot.
    features = torch.cat((unit(-10, 80, 10, 200, 100), torch.zeros(1, 2)))
    bank = Bank(features, torch.tensor([0, 3, 0, 5, 3, -1]))
    zero, three, five = describe_classes(bank)
    assert (zero.label, zero.slots, zero.nearest, zero.to_fresh) == (0, 2, 3, None)
    assert zero.to_own == pytest.approx(np.cos(np.radians(10)), abs=1e-6)
    assert zero.to_nearest == pytest.approx(0, abs=1e-6)
    assert zero.misassigned == three.misassigned == five.misassigned == 0
    assert (five.slots, five.to_own, five.nearest) == (1, pytest.approx(1), 3)
    assert five.to_nearest == pytest.approx(np.cos(np.radians(110)), abs=1e-6)


def test_a_slot_among_another_class_is_misassigned():
    bank = Bank(unit(0, 0, 0, 90, 90, 90, 80), torch.tensor([0, 0, 0, 1, 1, 1, 0]))
    zero, one = describe_classes(bank)
    assert zero.misassigned == 1 / 4 and one.misassigned == 0


def test_fresh_features_may_have_any_length():
    bank = Bank(unit(0, 90), torch.tensor([0, 1]))
    fresh = 7 * unit(60, 90).numpy()
    zero, one = describe_classes(bank, fresh)
    assert zero.to_fresh == pytest.approx(0.5, abs=1e-6) and one.to_fresh == pytest.approx(1)


def test_one_class_and_none():
    (only,) = describe_classes(Bank(unit(0, 10), torch.tensor([2, 2])))
    assert only.nearest == -1 and np.isnan(only.to_nearest) and only.misassigned == 0
    assert describe_classes(Bank(torch.zeros(3, 2), torch.full((3,), -1))) == []


def test_banks_of_a_checkpoint():
    state = {
        'neck.loss_spatial.bank.features': unit(0, 90).half(),
        'neck.loss_spatial.bank.labels': torch.tensor([0, 1]),
        'backbone.weight': torch.zeros(1),
    }
    banks = load_banks(state)
    assert list(banks) == ['spatial'] and banks['spatial'].features.dtype == torch.float32
    with pytest.raises(InputError, match='has no memory banks: it was made without CSRE'):
        load_banks({'backbone.weight': torch.zeros(1)})
