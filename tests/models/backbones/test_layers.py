import pytest
import torch
from torch import nn

from csre_mm.models.backbones.layers import PointConv


@pytest.mark.parametrize('channels', [4, 8, 12, 16])
def test_a_strided_point_convolution_is_the_plain_one(channels):
    """Thirty steps: PyTorch's own strided one corrupts the memory of a process within some."""
    point = PointConv(channels, 8, stride=2)
    plain = nn.Conv2d(channels, 8, 1, stride=(2, 1)).double()
    plain.load_state_dict(point.state_dict())
    for _ in range(30):
        x = torch.randn(16, 63, 25, channels).permute(0, 3, 1, 2).requires_grad_()  # channels last
        point.zero_grad()
        y = point(x)
        y.square().sum().backward()
    exact = x.detach().double().contiguous().requires_grad_()
    expected = plain(exact)
    expected.square().sum().backward()
    assert y.shape == (16, 8, 32, 25)
    torch.testing.assert_close(y.double(), expected, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(x.grad.double(), exact.grad, rtol=1e-4, atol=1e-4)
    weight = plain.weight.grad
    assert (point.weight.grad.double() - weight).norm() < 1e-5 * weight.norm()
