import pytest
import torch

from csre_mm.models import CTRGCN
from csre_mm.models.backbones.ctrgcn import ChannelTopologyGraphConv
from csre_mm.models.backbones.layers import MultiScaleTemporalConv
from csre_mm.utils.errors import InputError

SMALL = dict(base_channels=8, num_stages=3, inflate_stages=(2,), down_stages=(2,))


@pytest.mark.parametrize(
    'layout, num_person, num_classes, published',
    [
        ('nturgb+d', 2, 60, 1_446_672),
        ('nturgb+d', 2, 120, 1_462_092),
        ('nw-ucla', 1, 10, 1_426_892),
    ],
)
def test_number_of_parameters_is_the_published_one(layout, num_person, num_classes, published):
    encoder = CTRGCN(dict(layout=layout), num_person=num_person)
    count = sum(parameter.numel() for parameter in encoder.parameters())
    assert count + 256 * num_classes + num_classes == published


@pytest.mark.parametrize('window, frames', [(52, 13), (64, 16), (100, 25)])
def test_shape(window, frames):
    encoder = CTRGCN(dict(layout='nturgb+d'), base_channels=8)
    x = torch.randn(2, 2, window, 25, 3)
    assert encoder(x).shape == (2, 2, 32, frames, 25)


@pytest.mark.parametrize('persons', [1, 3])
def test_any_number_of_persons_and_channels(persons):
    layout = dict(num_joints=4, edges=[(1, 0), (2, 0), (3, 2)], center=0)
    encoder = CTRGCN(dict(layout=layout), in_channels=2, num_person=persons, **SMALL)
    assert encoder(torch.randn(2, persons, 8, 4, 2)).shape == (2, persons, 16, 4, 4)


def test_graph_convolution_equals_its_definition():
    torch.manual_seed(0)
    K, C, out, R, V, T = 3, 6, 4, 2, 5, 3
    conv = ChannelTopologyGraphConv(C, out, torch.rand(K, V, V), R).double().eval()
    torch.nn.init.normal_(conv.alpha)
    torch.nn.init.normal_(conv.bn.weight)
    x = torch.randn(2, C, T, V, dtype=torch.float64)
    y = torch.zeros(2, out, T, V, dtype=torch.float64)
    w1, w2 = conv.relate.weight[..., 0].view(2, K, R, C)
    b1, b2 = conv.relate.bias.view(2, K, R)
    w3, b3 = conv.value.weight.view(K, out, C), conv.value.bias.view(K, out)
    w4, b4 = conv.refine.weight.view(K, out, R), conv.refine.bias.view(K, out)
    for k in range(K):
        theta = torch.einsum('rc,nctv->nrtv', w1[k], x) + b1[k][:, None, None]
        phi = torch.einsum('rc,nctv->nrtv', w2[k], x) + b2[k][:, None, None]
        theta, phi = theta.mean(2), phi.mean(2)  # the mean after the convolution, as published
        relation = torch.tanh(theta[..., :, None] - phi[..., None, :])
        topology = torch.einsum('or,nruv->nouv', w4[k], relation) + b4[k][:, None, None]
        topology = conv.A[k] + conv.alpha * topology
        value = torch.einsum('oc,nctv->notv', w3[k], x) + b3[k][:, None, None]
        for u in range(V):
            for v in range(V):
                y[..., u] += topology[:, :, None, u, v] * value[..., v]
    expected = torch.relu(conv.bn(y) + conv.residual(x))
    torch.testing.assert_close(conv(x), expected)


@pytest.mark.parametrize('stride', [1, 2])
def test_temporal_convolution_equals_its_branches(stride):
    torch.manual_seed(0)
    conv = MultiScaleTemporalConv(6, 8, stride=stride).double().train()
    x = torch.randn(2, 6, 9, 5, dtype=torch.float64)

    def norm(y, module, start):
        mean, var = y.mean((0, 2, 3), keepdim=True), y.var((0, 2, 3), unbiased=False, keepdim=True)
        weight = module.weight[start : start + y.shape[1]].view(1, -1, 1, 1)
        return (y - mean) / (var + module.eps).sqrt() * weight

    branches = []
    for index, layer in enumerate((*conv.convs, conv.pool)):
        rows = slice(2 * index, 2 * index + 2)
        weight, bias = conv.squeeze.weight[rows], conv.squeeze.bias[rows]
        squeezed = torch.nn.functional.conv2d(x, weight, bias)
        branches.append(layer(torch.relu(norm(squeezed, conv.squeeze_bn, 2 * index))))
    branches.append(conv.point(x))
    expected = [norm(branch, conv.bn, 2 * i) for i, branch in enumerate(branches)]
    torch.testing.assert_close(conv(x), torch.cat(expected, 1))


@pytest.mark.parametrize(
    'shape, message',
    [
        ((2, 1, 16, 25, 3), 'have 1 persons, model.backbone.num_person stands for 2'),
        ((2, 2, 16, 20, 3), 'have 20 joints, model.backbone.graph_cfg.layout stands for 25'),
        ((2, 2, 16, 25, 2), 'have 2 channels, model.backbone.in_channels stands for 3'),
        ((2, 16, 25, 3), r'takes \(N, M, T, V, C\), not 4 axes'),
    ],
)
def test_other_input_is_one_line(shape, message):
    with pytest.raises(InputError, match=message):
        CTRGCN(dict(layout='nturgb+d'), **SMALL)(torch.zeros(shape))


def test_channels_that_do_not_divide():
    with pytest.raises(InputError, match='10 channels do not divide into the 4 branches'):
        CTRGCN(dict(layout='nturgb+d'), base_channels=10)
