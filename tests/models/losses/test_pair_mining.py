import pytest
import torch
from torch import Tensor

from csre_mm.models.losses.class_index import index_classes
from csre_mm.models.losses.pair_mining import hardest_negatives, hardest_positives, largest
from csre_mm.models.losses.random_negatives import random_negatives


def members_of(similarities, classes):
    """Similarities and slots of the anchors' classes."""
    members = classes.members()
    return similarities.T.gather(1, members.slots), members


def chosen(selection, row=0):
    """Slots and similarities of an anchor."""
    rows = zip(*(part[row].tolist() for part in selection), strict=True)
    return {slot: pytest.approx(value) for slot, valid, value in rows if valid}


def test_hardest_pairs():
    similarities = torch.tensor([[0.5, -0.2, 0.9, 0.1, 0.7, 2.0]]).T
    classes = index_classes(torch.tensor([3]), torch.tensor([3, 3, 3, 0, 1, -1]))
    positives = hardest_positives(*members_of(similarities, classes), classes, 2)
    assert chosen(positives) == {1: -0.2, 0: 0.5}
    own = members_of(similarities, classes)
    negatives = hardest_negatives(similarities, *own, classes, 3)
    assert chosen(negatives) == {4: 0.7, 3: 0.1}
    assert not negatives.values[~negatives.valid].any()


def test_an_anchor_whose_class_has_no_slot_takes_none_away():
    similarities = torch.tensor([[0.5, 0.9], [0.4, 0.8], [0.3, 0.7]])
    classes = index_classes(torch.tensor([5, 0]), torch.tensor([0, 0, 1]))
    assert not hardest_positives(*members_of(similarities, classes), classes, 2).valid[0].any()
    own = members_of(similarities, classes)
    negatives = hardest_negatives(similarities, *own, classes, 3)
    assert set(chosen(negatives)) == {0, 1, 2}
    assert set(chosen(negatives, 1)) == {2}


@pytest.mark.parametrize('num_slots', [7, 100, 101, 4099])
@pytest.mark.parametrize('count', [1, 6])
def test_largest_is_topk(num_slots, count):
    generator = torch.Generator().manual_seed(num_slots)
    similarities = torch.rand(num_slots, 5, generator=generator)
    values, indices = largest(similarities, count)
    expected = similarities.topk(count, dim=0).indices.T
    assert torch.equal(indices.sort(1).values, expected.sort(1).values)
    assert torch.equal(values, similarities.T.gather(1, indices))


def test_largest_when_all_are_equal_names_different_slots():
    values, indices = largest(torch.zeros(1000, 2), 8)
    assert not values.any() and all(len(row.unique()) == 8 for row in indices)


def test_index_classes():
    bank_labels = torch.tensor([2, -1, 0, 2, 1, -1, 0])
    classes = index_classes(torch.tensor([2, 5]), bank_labels)
    assert classes.order.tolist() == [1, 5, 2, 6, 4, 0, 3]
    assert classes.num_empty.item() == 2
    assert classes.num_same.tolist() == [2, 0]
    assert classes.num_other.tolist() == [3, 5]


def draw(bank_labels, labels, count, seed=0, **kwargs):
    generator = torch.Generator().manual_seed(seed)
    return random_negatives(index_classes(labels, bank_labels), count, generator, **kwargs)


@pytest.mark.parametrize('num_slots', [40, 4000])
@pytest.mark.parametrize('share_empty', [0.0, 0.4, 0.99])
def test_random_negatives_are_distinct_filled_and_of_other_classes(num_slots, share_empty):
    generator = torch.Generator().manual_seed(0)
    bank_labels = torch.randint(5, (num_slots,), generator=generator)
    empty = torch.rand(num_slots, generator=generator) < share_empty
    bank_labels = bank_labels.masked_fill(empty, -1)
    labels = torch.arange(6)  # the last class has no slot
    count = 16
    indices, valid = draw(bank_labels, labels, count)
    for label, row, row_valid in zip(labels, indices, valid, strict=True):
        others = int(((bank_labels >= 0) & (bank_labels != label)).sum())
        chosen = row[row_valid]
        assert len(chosen) == min(count, others) == len(chosen.unique())
        assert (bank_labels[chosen] >= 0).all() and (bank_labels[chosen] != label).all()


@pytest.mark.parametrize('num_slots', [30, 3000], ids=['few candidates', 'many candidates'])
def test_random_negatives_are_uniform(num_slots):
    """Each slot of another class is drawn with probability count / candidates, and so are pairs."""
    bank_labels = torch.arange(num_slots) % 3
    count, anchors = 5, 4000
    labels = torch.zeros(anchors, dtype=torch.long)
    times = 1 if num_slots == 30 else 10
    seen = torch.zeros(num_slots)
    pairs = torch.zeros(num_slots)
    for seed in range(times):
        indices, _ = draw(bank_labels, labels, count, seed)
        seen += torch.bincount(indices.flatten(), minlength=num_slots)
        with_first = indices[(indices == 1).any(1)]
        pairs += torch.bincount(with_first.flatten(), minlength=num_slots)
    others = bank_labels != 0
    assert not seen[~others].any()
    assert chi_square_is_plausible(seen[others], anchors * times * count / int(others.sum()))
    others[1] = False
    if num_slots == 30:  # given that slot 1 is among them, the others are uniform too
        assert chi_square_is_plausible(pairs[others], pairs[1] * (count - 1) / int(others.sum()))


def chi_square_is_plausible(observed: Tensor, expected: float) -> bool:
    """The statistic is within five standard deviations of its mean."""
    freedom = len(observed) - 1
    statistic = float(((observed - expected) ** 2 / expected).sum())
    return abs(statistic - freedom) < 5 * (2 * freedom) ** 0.5


def test_a_process_among_several_draws_what_one_would_have_drawn():
    bank_labels = torch.arange(90) % 3
    labels = torch.arange(6) % 3
    together, _ = draw(bank_labels, labels, 7)
    second, _ = draw(bank_labels, labels[4:], 7, num_drawn=6, first=4)
    assert torch.equal(second, together[4:])
