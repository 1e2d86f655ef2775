import pytest
import torch

from csre_mm.models import STFD
from csre_mm.utils.errors import InputError


@pytest.fixture
def stfd():
    torch.manual_seed(0)
    return STFD(in_channels=16, num_frames=5, num_joints=7, feat_dim=6, reduction=4).double()


@pytest.fixture
def x():
    return torch.randn(3, 2, 16, 5, 7, dtype=torch.float64)


def test_equals_the_formula_that_averages_over_persons_last(stfd, x):
    branches = ((stfd.spatial, 2), (stfd.temporal, 3))
    for z, (branch, axis) in zip(stfd(x), branches, strict=True):
        of_persons = []
        for person in x.unbind(1):  # (N, C, T, V)
            pooled = person.mean(axis)  # (N, C, L)
            squeezed = torch.einsum('rc,ncl->nrl', branch.squeeze.weight[..., 0], pooled)
            squeezed = squeezed + branch.squeeze.bias[:, None]
            of_persons.append(squeezed.reshape(3, -1) @ branch.project.weight.T)
        expected = sum(of_persons) / 2 + branch.project.bias
        torch.testing.assert_close(z, expected)


def test_shuffled_frames_leave_the_spatial_feature_and_joints_the_temporal(stfd, x):
    z_s, z_t = stfd(x)
    frames, joints = torch.randperm(5), torch.randperm(7)
    shuffled_s, shuffled_t = stfd(x[..., frames, :])
    torch.testing.assert_close(shuffled_s, z_s)
    assert not torch.allclose(shuffled_t, z_t)
    shuffled_s, shuffled_t = stfd(x[..., joints])
    torch.testing.assert_close(shuffled_t, z_t)
    assert not torch.allclose(shuffled_s, z_s)


def test_initialisation():
    stfd = STFD(256, 16, 25)
    assert stfd.spatial.squeeze.weight.shape == (32, 256, 1)
    assert stfd.spatial.project.weight.shape == (256, 32 * 25)
    assert stfd.temporal.project.weight.shape == (256, 32 * 16)
    for branch in (stfd.spatial, stfd.temporal):
        for layer, fan_out in ((branch.squeeze, 32), (branch.project, 256)):
            assert not layer.bias.any()
            assert layer.weight.std().item() == pytest.approx((2 / fan_out) ** 0.5, rel=0.05)


@pytest.mark.parametrize(
    'shape, key, found',
    [
        ((1, 1, 8, 5, 7), 'in_channels', 8),
        ((1, 1, 16, 4, 7), 'num_frames', 4),
        ((1, 1, 16, 5, 9), 'num_joints', 9),
    ],
)
def test_a_feature_map_of_another_shape_is_one_line_with_the_key(stfd, shape, key, found):
    with pytest.raises(InputError, match=rf'set model\.neck\.{key}={found}$'):
        stfd(torch.zeros(shape, dtype=torch.float64))


def test_reduction_is_checked():
    with pytest.raises(InputError, match='32, it must be an integer from 1 to in_channels 16'):
        STFD(16, 5, 7, reduction=32)
