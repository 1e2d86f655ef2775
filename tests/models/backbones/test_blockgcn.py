import math

import pytest
import torch

from csre_mm.models import BlockGCN
from csre_mm.models.backbones.blockgcn import BlockGraphConv
from csre_mm.utils.errors import InputError

FOUR_JOINTS = dict(layout=dict(num_joints=4, edges=[(1, 0), (2, 0), (3, 2)], center=0))
SMALL = dict(base_channels=8, num_heads=2, num_stages=3, inflate_stages=(2,), down_stages=(2,))


@pytest.mark.parametrize(
    'layout, num_person, num_classes, published',
    [
        ('nturgb+d', 2, 60, 1_372_780),
        ('nturgb+d', 2, 120, 1_388_200),
        ('nw-ucla', 1, 10, 1_297_370),
    ],
)
def test_number_of_parameters_is_the_published_one(layout, num_person, num_classes, published):
    encoder = BlockGCN(dict(layout=layout), num_person=num_person)
    count = sum(parameter.numel() for parameter in encoder.parameters())
    assert count + 256 * num_classes + num_classes == published


@pytest.mark.parametrize('window, frames', [(52, 13), (64, 16), (100, 25)])
@pytest.mark.parametrize('channels', [3, 6])
def test_shape(window, frames, channels):
    encoder = BlockGCN(dict(layout='nturgb+d'), base_channels=8)
    x = torch.randn(1, 2, window, 25, channels)
    assert encoder(x).shape == (1, 2, 16, frames, 25)


@pytest.mark.parametrize('persons', [1, 3])
def test_any_number_of_persons_joints_and_channels(persons):
    encoder = BlockGCN(FOUR_JOINTS, in_channels=2, num_person=persons, **SMALL)
    for channels in (2, 4):
        assert encoder(torch.randn(2, persons, 8, 4, channels)).shape == (2, persons, 16, 4, 4)


def unit_columns(matrix):
    V, result = len(matrix), torch.zeros_like(matrix)
    for u in range(V):
        length = math.sqrt(sum(matrix[v, u].item() ** 2 for v in range(V)))
        result[:, u] = matrix[:, u] / (length + 1e-4)
    return result


def block_convolution(x, weights, hops, heads):
    """Subset by subset and head by head: the sum of the projections before the normalisation."""
    N, C, T, V = x.shape
    K, out = weights['bias'].shape
    inner, outer = C // heads, out // heads
    y = torch.zeros(N, out, T, V, dtype=x.dtype)
    for k in range(K):
        for head in range(heads):
            embedding = weights['hop_embedding'][k, head]
            hop = torch.stack([torch.stack([embedding[h] for h in row]) for row in hops.tolist()])
            topology = unit_columns(weights['topology'][k, head]) + unit_columns(hop)
            own = slice(head * outer, head * outer + outer)
            project = weights['project.weight'][own].view(outer, K, inner)[:, k]
            part = x[:, head * inner : head * inner + inner]
            for u in range(V):
                gathered = sum(part[..., v] * topology[v, u] for v in range(V))  # (N, C / h, T)
                y[:, own, :, u] += torch.einsum('oc,nct->not', project, gathered)
                y[:, own, :, u] += weights['bias'][k, own, None]
    return y


@pytest.mark.parametrize('in_channels, out_channels', [(6, 8), (8, 8)])
def test_block_convolution_equals_its_definition(in_channels, out_channels):
    torch.manual_seed(0)
    hops = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 3], [1, 2, 0, 1], [2, 3, 1, 0]])
    conv = BlockGraphConv(in_channels, out_channels, 2, hops).double().eval()
    for parameter in (conv.topology, conv.hop_embedding, conv.bias, conv.bn.weight, conv.bn.bias):
        torch.nn.init.normal_(parameter)
    x = torch.randn(2, in_channels, 3, 4, dtype=torch.float64)
    with torch.no_grad():
        y = block_convolution(x, conv.state_dict(), hops, 2)
        scale = conv.bn.weight / math.sqrt(1 + conv.bn.eps)
        y = y * scale.view(1, -1, 1, 1) + conv.bn.bias.view(1, -1, 1, 1)
        residual = conv.residual(x) if in_channels != out_channels else x
        torch.testing.assert_close(conv(x), torch.relu(y + residual))


def test_the_start_is_the_published_one():
    weights = BlockGCN(FOUR_JOINTS, **SMALL).state_dict()
    for number in range(3):
        block = f'blocks.{number}.gcn'
        assert torch.equal(weights[f'{block}.topology'], torch.eye(4).expand(3, 2, 4, 4))
        assert weights[f'{block}.hop_embedding'].shape == (3, 2, 4)  # 0 to 3 hops
        for name in ('hop_embedding', 'bias', 'bn.bias'):
            assert not weights[f'{block}.{name}'].any()
        assert (weights[f'{block}.bn.weight'] == 1).all()


def randomised(**arguments):
    """An encoder in which every part has an effect."""
    torch.manual_seed(0)
    encoder = BlockGCN(FOUR_JOINTS, **{**SMALL, **arguments})
    for name in ('embed_topology.bn.weight', 'embed_topology.bn.bias'):
        torch.nn.init.normal_(encoder.get_parameter(name), 1)
    for block in encoder.blocks:
        torch.nn.init.normal_(block.gcn.hop_embedding)
    return encoder


def test_a_sample_does_not_depend_on_its_neighbours():
    encoder = randomised().double().eval()
    x = torch.randn(4, 2, 8, 4, 6, dtype=torch.float64)
    whole, close = encoder(x), dict(rtol=1e-5, atol=1e-5)  # the topology is in single precision
    for n in range(4):
        torch.testing.assert_close(encoder(x[n : n + 1])[0], whole[n], **close)
    torch.testing.assert_close(encoder(x.flip(0)), whole.flip(0), **close)
    wide = torch.cat((x[:1], 100 * x[1:]))  # neighbours that would change the scale of the batch
    torch.testing.assert_close(encoder(wide)[0], whole[0], **close)


class Recorded:
    """The outputs of a module, call by call."""

    def __init__(self, module):
        self.calls = []
        module.register_forward_hook(lambda _module, _inputs, output: self.calls.append(output))


def test_persons_in_another_order_have_the_same_topology():
    encoder = randomised().eval()
    recorded = Recorded(encoder.topology)
    x = torch.randn(3, 2, 8, 4, 6)
    encoder(x)
    encoder(x.flip(1))
    torch.testing.assert_close(*recorded.calls)


def test_the_topology_is_that_of_the_appended_joints():
    encoder = randomised().eval()
    recorded = Recorded(encoder.topology)
    stream, other, joints, others = torch.randn(4, 3, 2, 8, 4, 3)
    pairs = [(stream, joints), (other, joints), (stream, others)]
    first, second, third = (encoder(torch.cat(pair, -1)) for pair in pairs)
    topology, same, changed = recorded.calls
    assert torch.equal(topology, same) and not torch.allclose(topology, changed)
    torch.testing.assert_close(topology, encoder.topology(joints))
    assert not torch.allclose(first, second) and not torch.allclose(first, third)


def test_without_appended_joints_the_topology_is_that_of_the_input():
    encoder = randomised().eval()
    x = torch.randn(2, 2, 8, 4, 3)
    torch.testing.assert_close(encoder(x), encoder(torch.cat((x, x), -1)))


def test_both_persons_of_a_sample_get_its_topology():
    """Two equal persons of a sample have equal outputs, and the topology of their sample."""
    encoder = randomised().eval()
    # the input normalisation has separate weights for each person: make them equal
    norm = encoder.state_dict()['input.norm.bn.weight']
    assert (norm == 1).all()
    x = torch.randn(3, 1, 8, 4, 6).expand(3, 2, 8, 4, 6)
    y = encoder(x)
    torch.testing.assert_close(y[:, 0], y[:, 1])


def test_a_block_sees_its_own_part_of_the_embedding():
    encoder = randomised().double().eval()
    x = torch.randn(2, 2, 8, 4, 6, dtype=torch.float64)
    weights = encoder.state_dict()
    with torch.no_grad():
        embedded = encoder.topology(x[..., 3:]) @ weights['embed_topology.linear.weight'].T
        embedded = embedded + weights['embed_topology.linear.bias']
        embedded = embedded / math.sqrt(1 + 1e-5) * weights['embed_topology.bn.weight']
        embedded = (embedded + weights['embed_topology.bn.bias']).clamp_min(0)
        y = x[..., :3] @ weights['input.linear.weight'].T + weights['input.linear.bias']
        y = (y + weights['input.position']) / math.sqrt(1 + 1e-5)
        y = y.permute(0, 1, 4, 2, 3).reshape(4, 8, 8, 4)  # (N * M, C, T, V)
        start = 0
        for block in encoder.blocks:
            own = embedded[:, start : start + y.shape[1]]
            start += y.shape[1]
            rows = torch.stack([own[n] for n in range(2) for _ in range(2)])
            y = (y + rows[..., None, None]).contiguous()
            y = torch.relu(block.tcn(block.gcn(y)) + block.residual(y))
        assert start == embedded.shape[1]
        torch.testing.assert_close(encoder(x), y.view(2, 2, 16, 4, 4), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize('value', [0.0, 2.5])
def test_constant_skeletons_give_finite_numbers(value):
    for encoder in (randomised().train(), randomised().eval()):
        y = encoder(torch.full((2, 2, 8, 4, 6), value))
        y.sum().backward()
        assert y.isfinite().all()
        for name, parameter in encoder.named_parameters():
            assert parameter.grad is None or parameter.grad.isfinite().all(), name


@pytest.mark.parametrize('persons', [1, 2])
def test_a_batch_of_one_sample_trains(persons):
    encoder = randomised(num_person=persons).train()
    y = encoder(torch.randn(1, persons, 8, 4, 6))
    y.square().sum().backward()
    assert y.isfinite().all()
    assert all(value.isfinite().all() for value in encoder.state_dict().values())


def test_gradients_reach_every_parameter():
    encoder = randomised().train()
    encoder(torch.randn(4, 2, 8, 4, 6)).square().sum().backward()
    for name, parameter in encoder.named_parameters():
        assert parameter.grad is not None and parameter.grad.any(), name
    assert (
        encoder.topology.centers.grad.any(0).all() and encoder.topology.sharpness.grad.any(0).all()
    )


@pytest.mark.parametrize('num_heads', [3, 16, 0])
def test_heads_that_do_not_divide(num_heads):
    message = f'model.backbone.num_heads is {num_heads}, which does not divide the 8 channels'
    with pytest.raises(InputError, match=message):
        BlockGCN(FOUR_JOINTS, **{**SMALL, 'num_heads': num_heads})


def test_channels_that_are_neither_the_stream_nor_both():
    message = 'have 5 channels, model.backbone.in_channels stands for 3, or 6 with .*append_joints'
    with pytest.raises(InputError, match=message):
        BlockGCN(FOUR_JOINTS, **SMALL)(torch.zeros(1, 2, 8, 4, 5))
