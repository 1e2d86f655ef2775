import math
import re

import pytest
import torch
import torch.nn.functional as F

from csre_mm.models import HCN, HCNHead
from csre_mm.models.backbones.hcn import _motion
from csre_mm.utils.errors import InputError

FOUR_JOINTS = dict(layout=dict(num_joints=4, edges=[(1, 0), (2, 0), (3, 2)], center=0))
CONVOLUTIONS = ('point', 'frames', 'joints', 'branches', 'merge', 'last')


def parameters_of(*modules):
    return sum(parameter.numel() for module in modules for parameter in module.parameters())


@pytest.mark.parametrize(
    'layout, width, window, num_classes, published',
    [
        ('nturgb+d', 32, 32, 60, 1_062_652),
        ('nturgb+d', 64, 64, 60, 2_647_868),
        ('nturgb+d', 64, 64, 120, 2_678_648),
        ('nw-ucla', 64, 64, 10, 2_619_338),
    ],
)
def test_number_of_parameters_is_the_published_one(layout, width, window, num_classes, published):
    encoder = HCN(dict(layout=layout), width=width)
    head = HCNHead(num_classes, 256, num_frames=window // 16, num_joints=width // 16)
    assert parameters_of(encoder, head) == published


@pytest.mark.parametrize('persons', [1, 2, 3])
@pytest.mark.parametrize('window, width, map_size', [(16, 16, (1, 1)), (52, 40, (3, 2))])
def test_shape(persons, window, width, map_size):
    encoder = HCN(FOUR_JOINTS, in_channels=2, base_channels=4, width=width)
    x = torch.randn(2, persons, window, 4, 2)
    assert encoder(x).shape == (2, persons, 16, *map_size)


def interpolated_motion(x):
    """The T - 1 differences of (C, T, V), interpolated at T half-pixel positions.

    A difference to or from a joint without coordinates, as 0 and not -0.0, is zero.
    """
    T = x.shape[1]
    lost = ((x == 0) & ~x.signbit()).all(0)  # (T, V)

    def difference(t):
        return (x[:, t + 1] - x[:, t]) * ~(lost[t] | lost[t + 1])

    result = torch.zeros_like(x)
    for t in range(T):
        place = min(max((t + 0.5) * (T - 1) / T - 0.5, 0), T - 2)
        low = min(int(place), T - 2)
        high, weight = min(low + 1, T - 2), place - low
        result[:, t] = (1 - weight) * difference(low) + weight * difference(high)
    return result


def naive(x, weights):
    """One person (T, V, C): two branches of plain convolutions, joined after the fourth."""

    def half(name, branch):
        return (weights[f'{name}.{part}'].chunk(2)[branch] for part in ('weight', 'bias'))

    x = x.permute(2, 0, 1)  # (C, T, V)
    branches = []
    for branch, y in enumerate((x, interpolated_motion(x))):
        y = F.conv2d(y[None], *half('point', branch)).relu()
        y = F.conv2d(y, *half('frames', branch), padding=(1, 0))  # (1, W, T, V)
        y = torch.stack([y[0, :, :, v].T for v in range(y.shape[-1])])[None]  # (1, V, T, W)
        y = F.max_pool2d(F.conv2d(y, *half('joints', branch), padding=1), 2)
        branches.append(F.max_pool2d(F.conv2d(y, *half('branches', branch), padding=1), 2))
    y = torch.cat(branches, 1)
    for name in ('merge', 'last'):
        y = F.conv2d(y, weights[f'{name}.weight'], weights[f'{name}.bias'], padding=1)
        y = F.max_pool2d(y.relu(), 2)
    return y[0]


@pytest.mark.parametrize('lost', [0.0, 0.3])
@pytest.mark.parametrize('persons, window, width', [(1, 16, 32), (2, 37, 16), (3, 32, 20)])
def test_forward_is_that_of_two_plain_branches(persons, window, width, lost):
    torch.manual_seed(0)
    encoder = HCN(FOUR_JOINTS, base_channels=4, width=width).double().eval()
    for name in CONVOLUTIONS:
        torch.nn.init.normal_(encoder.get_submodule(name).bias)
    x = torch.randn(2, persons, window, 4, 3, dtype=torch.float64)
    x[torch.rand(x.shape[:-1]) < lost] = 0
    x[0, 0, 4, 2] = -0.0  # a joint at the origin
    with torch.no_grad():
        y = encoder(x)
        for n in range(2):
            for m in range(persons):
                torch.testing.assert_close(y[n, m], naive(x[n, m], encoder.state_dict()))


def test_a_joint_that_is_lost_does_not_jump():
    x = torch.randn(1, 16, 4, 3) + 5
    whole = _motion(x)  # (1, 3, 16, 4)
    x[0, 6, 2] = 0
    motion = _motion(x)
    assert torch.equal(motion[0, :, :, [0, 1, 3]], whole[0, :, :, [0, 1, 3]])
    assert not motion[0, :, 6, 2].any()
    assert motion[0, :, :, 2].abs().max() <= whole[0, :, :, 2].abs().max()


def test_a_batch_that_is_not_contiguous_gives_the_same():
    torch.manual_seed(0)
    encoder = HCN(FOUR_JOINTS, base_channels=4, width=16).eval()
    x = torch.randn(2, 16, 4, 3, 3).permute(0, 3, 1, 2, 4)  # persons were the last but one axis
    torch.testing.assert_close(encoder(x), encoder(x.contiguous()))


def test_the_head_takes_the_maximum_over_persons_then_two_layers():
    torch.manual_seed(0)
    head = HCNHead(5, 3, num_frames=2, num_joints=4, hidden_channels=7).double().eval()
    x = torch.randn(2, 3, 3, 2, 4, dtype=torch.float64)
    weights = head.state_dict()
    with torch.no_grad():
        scores = head(x)
        for n in range(2):
            flat = [
                max(x[n, m, c, t, w].item() for m in range(3))
                for c in range(3)
                for t in range(2)
                for w in range(4)
            ]
            flat = torch.tensor(flat, dtype=torch.float64)
            hidden = (weights['hidden.weight'] @ flat + weights['hidden.bias']).clamp_min(0)
            expected = weights['fc.weight'] @ hidden + weights['fc.bias']
            torch.testing.assert_close(scores[n], expected)


def test_dropout_is_one_of_training():
    torch.manual_seed(0)
    encoder = HCN(FOUR_JOINTS, base_channels=8, width=16)
    head = HCNHead(5, 32, num_frames=1, num_joints=1, hidden_channels=32)
    x = torch.randn(2, 2, 16, 4, 3)
    with torch.no_grad():
        assert not torch.equal(encoder(x), encoder(x))
        encoder.eval()
        assert torch.equal(encoder(x), encoder(x))
        y = encoder(x)
        assert not torch.equal(head(y), head(y))
        head.eval()
        assert torch.equal(head(y), head(y))
        whole = HCN(FOUR_JOINTS, base_channels=8, width=16, dropout=0.0)
        whole.load_state_dict(encoder.state_dict())
        torch.testing.assert_close(whole(x), y)


def test_half_the_channels_of_the_feature_map_are_dropped_and_the_others_doubled():
    torch.manual_seed(0)
    encoder = HCN(FOUR_JOINTS, base_channels=16, width=32)
    torch.nn.init.ones_(encoder.last.bias)
    torch.nn.init.zeros_(encoder.last.weight)
    y = encoder(torch.randn(8, 2, 32, 4, 3))  # without dropout a feature map of ones
    assert set(y.unique().tolist()) == {0.0, 2.0}
    assert (y == y[..., :1, :1]).all()  # whole channels
    assert (y == 0).float().mean().item() == pytest.approx(0.5, abs=0.1)


def test_weights_are_xavier_uniform_by_the_fans_of_one_branch():
    torch.manual_seed(0)
    encoder = HCN(dict(layout='nturgb+d'))
    for name in CONVOLUTIONS:
        conv = encoder.get_submodule(name)
        branches = 1 if name in ('merge', 'last') else 2
        area = conv.kernel_size[0] * conv.kernel_size[1]
        fans = (conv.in_channels + conv.out_channels) // branches * area
        largest, bound = conv.weight.abs().max().item(), math.sqrt(6 / fans)
        assert 0.97 * bound < largest <= bound, name
        assert not conv.bias.any()
    head = HCNHead(60, 256)
    head.init_weights()
    for layer in (head.hidden, head.fc):
        bound = math.sqrt(6 / (layer.in_features + layer.out_features))
        assert 0.99 * bound < layer.weight.abs().max().item() <= bound
        assert not layer.bias.any()


@pytest.mark.parametrize(
    'arguments, shape, message',
    [
        (dict(), (1, 1, 15, 4, 3), 'have 15 frames, the encoder makes one of 16: set clip_len'),
        (dict(), (1, 1, 16, 5, 3), 'have 5 joints, model.backbone.graph_cfg.layout stands for 4'),
        (dict(), (1, 1, 16, 4, 2), 'have 2 channels, model.backbone.in_channels stands for 3'),
        (dict(), (1, 16, 4, 3), r'takes \(N, M, T, V, C\), not 4 axes'),
        (dict(width=15), (), 'model.backbone.width is 15 .* width must be 16 or more'),
        (dict(base_channels=7), (), 'base_channels 7: .* base_channels even'),
    ],
)
def test_what_does_not_fit_is_one_line(arguments, shape, message):
    with pytest.raises(InputError, match=message) as error:
        HCN(FOUR_JOINTS, **{'base_channels': 4, 'width': 16, **arguments})(torch.zeros(shape))
    assert '\n' not in str(error.value)


@pytest.mark.parametrize(
    'shape, message',
    [
        ((2, 2, 8, 4, 4), '(2, 2, 8, 4, 4), model.cls_head.in_channels is 16'),
        ((2, 2, 16, 3, 4), '(2, 2, 16, 3, 4), model.cls_head.num_frames is 4'),
        ((2, 2, 16, 4, 5), '(2, 2, 16, 4, 5), model.cls_head.num_joints is 4'),
    ],
)
def test_a_feature_map_of_another_size_is_one_line(shape, message):
    with pytest.raises(InputError, match=re.escape(message)) as error:
        HCNHead(5, 16)(torch.zeros(shape))
    assert '\n' not in str(error.value)
