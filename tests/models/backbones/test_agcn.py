import math

import pytest
import torch

from csre_mm.models import AGCN
from csre_mm.models.backbones.agcn import AdaptiveGraphConv

SMALL = dict(base_channels=8, num_stages=3, inflate_stages=(2,), down_stages=(2,))
FOUR_JOINTS = dict(num_joints=4, edges=[(1, 0), (2, 0), (3, 2)], center=0)


@pytest.fixture(scope='module')
def published():
    torch.manual_seed(0)
    return AGCN(dict(layout='nturgb+d-chain'))


@pytest.mark.parametrize('num_classes, number', [(60, 3_469_510), (120, 3_484_930)])
def test_number_of_parameters_is_the_published_one(published, num_classes, number):
    count = sum(parameter.numel() for parameter in published.parameters())
    assert count + 256 * num_classes + num_classes == number


def test_initialisation_is_the_published_one(published):
    weights = published.state_dict()
    for number in range(10):
        block = f'blocks.{number}.gcn'
        start = torch.tensor(1e-6)
        assert weights[f'{block}.B'].shape == (3, 25, 25)
        assert (weights[f'{block}.B'] == start).all() and (
            weights[f'{block}.bn.weight'] == start
        ).all()
        project, embed = weights[f'{block}.project.weight'], weights[f'{block}.embed.weight']
        out, inputs = project.shape[:2]  # inputs: those of the three subsets
        if out * inputs > 10_000:
            assert project.std().item() == pytest.approx(math.sqrt(2 / (out * inputs)), rel=0.05)
            assert embed.std().item() == pytest.approx(math.sqrt(2 / (out // 4)), rel=0.05)
        assert not weights[f'{block}.bias'].any() and not weights[f'{block}.embed.bias'].any()
        assert not weights[f'{block}.bn.bias'].any()


def test_the_first_block_alone_has_no_residual_connection(published):
    names = set(published.state_dict())
    assert not any(name.startswith('blocks.0.residual') for name in names)
    assert 'blocks.0.gcn.residual.0.weight' in names  # from 3 to 64 channels
    assert {'blocks.4.residual.0.weight', 'blocks.7.residual.0.weight'} <= names
    assert not any(name.startswith('blocks.1.residual') for name in names)  # the identity


@pytest.mark.parametrize('window, frames', [(52, 13), (64, 16), (100, 25), (300, 75), (9, 3)])
def test_shape(window, frames):
    encoder = AGCN(dict(layout='nturgb+d-chain'), base_channels=4)
    assert encoder(torch.randn(1, 2, window, 25, 3)).shape == (1, 2, 16, frames, 25)


@pytest.mark.parametrize('persons', [1, 3])
def test_any_number_of_persons_joints_and_channels(persons):
    encoder = AGCN(dict(layout=FOUR_JOINTS), in_channels=2, num_person=persons, **SMALL)
    assert encoder(torch.randn(2, persons, 8, 4, 2)).shape == (2, persons, 16, 4, 4)


def graph_convolution(x, weights, A):
    """Subset by subset, joint by joint: the sum of the projections before the normalisation."""
    N, C, T, V = x.shape
    K, out = weights['bias'].shape
    R = weights['embed.weight'].shape[0] // (2 * K)
    embed = weights['embed.weight'].view(2, K, R, C), weights['embed.bias'].view(2, K, R)
    project = weights['project.weight'].view(out, K, C)
    y = torch.zeros(N, out, T, V, dtype=x.dtype)
    for k in range(K):
        theta, phi = (
            torch.einsum('rc,nctv->nrtv', weight[k], x) + bias[k].view(1, R, 1, 1)
            for weight, bias in zip(*embed, strict=True)
        )
        for n in range(N):
            C_k = torch.zeros(V, V, dtype=x.dtype)
            for u in range(V):  # the weights of what joint u gathers, joint by joint
                products = [(theta[n, :, :, v] * phi[n, :, :, u]).sum() for v in range(V)]
                exponentials = [math.exp(product / (R * T)) for product in products]
                for v in range(V):
                    C_k[v, u] = exponentials[v] / sum(exponentials)
            topology = A[k] + weights['B'][k] + C_k
            for u in range(V):
                gathered = sum(x[n, :, :, v] * topology[v, u] for v in range(V))  # (C, T)
                y[n, :, :, u] += project[:, k] @ gathered + weights['bias'][k, :, None]
    return y


@pytest.mark.parametrize('in_channels, out_channels', [(6, 8), (8, 8)])
def test_graph_convolution_equals_its_definition(in_channels, out_channels):
    torch.manual_seed(0)
    K, V, T = 3, 5, 4
    A = torch.rand(K, V, V)
    conv = AdaptiveGraphConv(in_channels, out_channels, A).double().eval()
    for parameter in (conv.B, conv.bias, conv.embed.bias, conv.bn.weight, conv.bn.bias):
        torch.nn.init.normal_(parameter)
    x = 2 * torch.randn(2, in_channels, T, V, dtype=torch.float64)
    with torch.no_grad():
        y = graph_convolution(x, conv.state_dict(), A.double())
        scale = conv.bn.weight / math.sqrt(1 + conv.bn.eps)
        y = y * scale.view(1, -1, 1, 1) + conv.bn.bias.view(1, -1, 1, 1)
        residual = conv.residual(x) if in_channels != out_channels else x
        torch.testing.assert_close(conv(x), torch.relu(y + residual))


def test_the_skeleton_is_fixed_and_the_learned_graph_is_trained():
    torch.manual_seed(0)
    encoder = AGCN(dict(layout=FOUR_JOINTS), **SMALL)
    assert not any(name.endswith('.A') for name in encoder.state_dict())
    encoder(torch.randn(2, 2, 8, 4, 3)).square().sum().backward()
    for name, parameter in encoder.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name
    assert encoder.state_dict(keep_vars=True)['blocks.1.gcn.B'].grad.any()


def test_a_block_is_its_two_convolutions_and_the_residual_connections():
    torch.manual_seed(0)
    encoder = AGCN(dict(layout=FOUR_JOINTS), **SMALL).double().eval()
    for name, parameter in encoder.named_parameters():
        if name.endswith('bn.weight'):
            torch.nn.init.uniform_(parameter, 0.5, 1.5)
    x = torch.randn(2, 2, 8, 4, 3, dtype=torch.float64)
    with torch.no_grad():
        y = x.permute(0, 1, 4, 2, 3).reshape(4, 3, 8, 4).contiguous()
        scale = encoder.state_dict()['input.bn.weight'].view(2, 4, 3) / math.sqrt(1 + 1e-5)
        y = (y * scale.repeat(2, 1, 1).permute(0, 2, 1)[:, :, None]).contiguous()
        for number, block in enumerate(encoder.blocks):
            inner = block.tcn(block.gcn(y))
            shortcut = 0 if number == 0 else block.residual(y)
            y = torch.relu(inner + shortcut)
        torch.testing.assert_close(encoder(x), y.view(2, 2, 16, 4, 4))


def test_float16_stays_finite_at_the_window_of_ntu():
    """The sums of the attention over channels and 300 frames have 4,800 to 9,600 terms."""
    torch.manual_seed(0)
    stages = dict(num_stages=6, inflate_stages=(3, 5), down_stages=(3, 5))  # widths of all ten
    encoder = AGCN(graph_cfg=dict(layout='nturgb+d-chain'), **stages).train()
    x = torch.randn(1, 2, 1, 25, 3).expand(-1, -1, 300, -1, -1)  # bodies that stand still
    with torch.autocast('cpu', torch.float16):
        y = encoder(x)
    assert torch.isfinite(y).all()
    y.float().square().mean().backward()
    assert all(torch.isfinite(p.grad).all() for p in encoder.parameters())
    buffers = dict(encoder.named_buffers())
    assert all(torch.isfinite(b).all() for name, b in buffers.items() if 'running' in name)
