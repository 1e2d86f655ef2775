import pytest
import torch
from mmaction.structures import ActionDataSample

from csre_mm.models import CSRENeck
from csre_mm.utils.errors import InputError


def make_samples(labels, indices):
    samples = []
    for label, index in zip(labels, indices, strict=True):
        sample = ActionDataSample().set_gt_label(label)
        sample.set_metainfo({'sample_idx': index})
        samples.append(sample)
    return samples


def make_neck(**kwargs):
    torch.manual_seed(0)
    neck = CSRENeck(16, 5, 7, **({'feat_dim': 8} | kwargs))
    for loss in (neck.loss_spatial, neck.loss_temporal):
        loss.bank.allocate(10)
    return neck


def test_training_adds_two_losses_and_what_is_logged():
    neck, x = make_neck(), torch.randn(4, 2, 16, 5, 7, requires_grad=True)
    out, losses = neck(x, make_samples([0, 1, 0, 1], [3, 1, 9, 0]))
    assert out is x
    health = 'anchors', 'bank_filled', 'positive_sim', 'hard_negative_sim', 'random_negative_sim'
    expected = {f'{name}_{key}' for name in ('spatial', 'temporal') for key in health}
    assert set(losses) == expected | {'loss_contrast_spatial', 'loss_contrast_temporal'}
    (losses['loss_contrast_spatial'] + losses['loss_contrast_temporal']).backward()
    assert x.grad.abs().sum() > 0
    for bank in (neck.loss_spatial.bank, neck.loss_temporal.bank):
        assert bank.labels.tolist() == [1, 1, -1, 0, -1, -1, -1, -1, -1, 0]
        filled = bank.features[bank.labels >= 0]
        torch.testing.assert_close(filled.norm(dim=1), torch.ones(4))
    assert not torch.equal(neck.loss_spatial.bank.features, neck.loss_temporal.bank.features)


def test_testing_touches_nothing():
    neck = make_neck()
    before = {key: value.clone() for key, value in neck.state_dict().items()}
    x = torch.randn(4, 2, 16, 99, 3)  # not even the shape is checked
    out, losses = neck(x)
    assert out is x and losses == {}
    assert all(torch.equal(before[key], value) for key, value in neck.state_dict().items())


def test_a_feature_map_of_heatmaps_has_h_times_w_joints():
    samples = make_samples([0, 1], [0, 1])
    x = torch.randn(2, 16, 5, 1, 7)
    _, of_places = make_neck(with_persons=False)(x, samples)
    _, of_joints = make_neck()(x.transpose(1, 2).reshape(2, 1, 5, 16, 7).transpose(2, 3), samples)
    assert of_places['loss_contrast_spatial'] == of_joints['loss_contrast_spatial']


def test_clips_of_a_sample_count_as_persons():
    samples = make_samples([0, 1], [0, 1])
    x = torch.randn(2, 2, 16, 5, 7)
    _, of_persons = make_neck()(x, samples)
    _, of_clips = make_neck()(x.view(4, 1, 16, 5, 7), samples)
    torch.testing.assert_close(of_clips, of_persons)


def test_options_reach_both_losses_and_can_differ():
    neck = make_neck(loss=dict(temperature=0.3), loss_temporal=dict(loss_weight=0.5))
    assert (neck.loss_spatial.temperature, neck.loss_temporal.temperature) == (0.3, 0.3)
    assert (neck.loss_spatial.loss_weight, neck.loss_temporal.loss_weight) == (None, 0.5)


def test_the_neck_leaves_the_random_state_alone():
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    CSRENeck(16, 5, 7)
    assert torch.equal(torch.rand(1), expected)


def test_missing_sample_idx():
    sample = ActionDataSample().set_gt_label(0)
    with pytest.raises(InputError, match="add 'sample_idx' to the meta_keys of PackActionInputs"):
        make_neck()(torch.randn(1, 1, 16, 5, 7), [sample])


def test_banks_without_slots():
    with pytest.raises(InputError, match='add MemoryBankHook to custom_hooks'):
        CSRENeck(16, 5, 7)(torch.randn(1, 1, 16, 5, 7), make_samples([0], [0]))


def test_a_width_of_one_bank_alone():
    with pytest.raises(InputError, match=r'the width of the banks is model\.neck\.feat_dim'):
        make_neck(loss_spatial=dict(feat_dim=9))


@pytest.mark.parametrize('updates', [('before', 'after'), ('after', 'before')])
def test_losses_of_different_update_orders_are_independent(updates):
    """On the first batch a loss that compares before it writes has an empty bank."""
    options = (dict(update=update) for update in updates)
    neck = make_neck(**dict(zip(('loss_spatial', 'loss_temporal'), options, strict=True)))
    _, losses = neck(torch.randn(4, 2, 16, 5, 7), make_samples([0, 1, 0, 1], range(4)))
    for name, update in zip(('spatial', 'temporal'), updates, strict=True):
        assert losses[f'{name}_anchors'] == (update == 'before')
        assert bool(losses[f'loss_contrast_{name}'] > 0) == (update == 'before')


def test_a_sample_without_a_slot():
    with pytest.raises(
        InputError, match='sample_idx 10 to 10 do not all have a slot in a memory bank of 10'
    ):
        make_neck()(torch.randn(1, 1, 16, 5, 7), make_samples([0], [10]))
