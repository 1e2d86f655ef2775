import math

import pytest
import torch

from csre_mm.datasets import get_layout
from csre_mm.models import Hyperformer
from csre_mm.models.backbones.hyperformer import HyperformerBlock
from csre_mm.models.backbones.skeleton_encoder import Stage
from csre_mm.utils.errors import InputError

SIX_JOINTS = dict(
    num_joints=6,
    edges=[(1, 0), (2, 0), (3, 2), (4, 3), (5, 0)],
    center=0,
    partition=[0, 2, 1, 1, 1, 2],
)
SMALL = dict(base_channels=12, num_heads=3, groups=2, num_stages=3, down_stages=(2,))


@pytest.mark.parametrize(
    'layout, num_person, num_classes, published',
    [
        ('nturgb+d', 2, 60, 2_729_194),
        ('nturgb+d', 2, 120, 2_742_214),
        ('nw-ucla', 1, 10, 2_695_754),
    ],
)
def test_number_of_parameters_is_the_published_one(layout, num_person, num_classes, published):
    encoder = Hyperformer(dict(layout=layout), num_person=num_person)
    count = sum(parameter.numel() for parameter in encoder.parameters())
    assert count + 216 * num_classes + num_classes == published


@pytest.mark.parametrize('window, frames', [(52, 13), (64, 16), (100, 25)])
def test_shape(window, frames):
    encoder = Hyperformer(dict(layout='nturgb+d'), base_channels=8, num_heads=2, groups=2)
    assert encoder(torch.randn(1, 2, window, 25, 3)).shape == (1, 2, 8, frames, 25)


@pytest.mark.parametrize('persons', [1, 3])
def test_any_number_of_persons_joints_and_channels(persons):
    encoder = Hyperformer(dict(layout=SIX_JOINTS), in_channels=2, num_person=persons, **SMALL)
    assert encoder(torch.randn(2, persons, 9, 6, 2)).shape == (2, persons, 12, 5, 6)


def naive_hops(layout):
    """Floyd and Warshall."""
    V = layout.num_joints
    hops = [[0 if a == b else V for b in range(V)] for a in range(V)]
    for a, b in layout.edges:
        hops[a][b] = hops[b][a] = 1
    for middle in range(V):
        for a in range(V):
            for b in range(V):
                hops[a][b] = min(hops[a][b], hops[a][middle] + hops[middle][b])
    return hops


def attend(x, parts, weights, heads, groups, layout):
    """One frame: x (V, C) normalised, parts (P, out); joint by joint."""
    V, out, hops = len(x), parts.shape[1], naive_hops(layout)
    d = out // heads
    q, k, v = (x @ weights['qkv.weight'].T).chunk(3, 1)  # (V, out)
    y = torch.zeros(V, out, dtype=x.dtype)
    for head in range(heads):
        own = slice(head * d, head * d + d)
        w = weights['part_bias'][head]
        for n in range(V):
            logits = []
            for m in range(V):
                e = parts[layout.partition[m], own]
                r = weights['hop_embedding'][hops[n][m], head]
                query, key = q[n, own], k[m, own]
                logits.append((query @ key + query @ r + query @ e + w @ e) / math.sqrt(d))
            attention = torch.stack(logits).exp()
            attention = attention / attention.sum()
            for m in range(V):
                weight = weights['scale'] * attention[m] + weights['topology'][head, n, m]
                y[n, own] += weight * v[m, own]
    width, result = out // groups, []
    for group in range(groups):
        own = slice(group * width, group * width + width)
        weight, bias = weights['project.weight'][own].flatten(1), weights['project.bias'][own]
        result.append(y[:, own] @ weight.T + bias)
    return torch.cat(result, 1)


def randomise(module):
    for name, parameter in module.named_parameters():
        parts = ('scale', 'part_bias', 'hop_embedding', 'topology', 'norm', 'bn', 'bias')
        if any(part in name for part in parts):
            torch.nn.init.normal_(parameter, 1 if 'norm' in name or 'bn' in name else 0)
    return module


def naive_block(x, weights, heads, groups, layout):
    """One frame (C, V) before the temporal convolution: the skip connection plus the attention."""
    inner = {name.removeprefix('attention.'): value for name, value in weights.items()}
    tokens, means = x.T, []  # (V, C)
    for part in range(layout.num_parts):
        members = [v for v in range(len(tokens)) if layout.partition[v] == part]
        means.append(sum(tokens[v] for v in members) / len(members))
    parts = torch.stack(means) @ weights['embed_parts.weight'].T
    mean, var = tokens.mean(1, keepdim=True), tokens.var(1, False, keepdim=True)
    normal = (tokens - mean) / (var + 1e-5).sqrt()
    normal = normal * weights['norm.weight'] + weights['norm.bias']
    skip = tokens @ weights['skip.weight'].T if 'skip.weight' in weights else tokens
    return (skip + attend(normal, parts, inner, heads, groups, layout)).T


@pytest.mark.parametrize('dtype', [torch.float64, torch.float32])
@pytest.mark.parametrize('in_channels, stride', [(5, 1), (12, 1), (12, 2)])
def test_a_block_equals_its_definition(in_channels, stride, dtype):
    """Attention to the mean of each part and to each joint, with random parameters."""
    torch.manual_seed(0)
    layout, out, T = get_layout(SIX_JOINTS), 12, 5
    block = randomise(HyperformerBlock(Stage(1, in_channels, out, stride), 3, 2, layout))
    block = block.to(dtype).eval()
    weights = {name: value.double() for name, value in block.state_dict().items()}
    x = torch.randn(2, in_channels, T, 6, dtype=dtype)
    y = torch.zeros(2, out, T, 6, dtype=dtype)
    with torch.no_grad():
        for n in range(2):
            for t in range(T):
                y[n, :, t] = naive_block(x[n, :, t].double(), weights, 3, 2, layout)
        expected = torch.relu(block.tcn(y) + block.residual(x))
        tolerance = 1e-7 if dtype == torch.float64 else 1e-4
        torch.testing.assert_close(block(x), expected, rtol=tolerance, atol=tolerance)


def test_the_start_is_the_published_one():
    encoder = Hyperformer(dict(layout=SIX_JOINTS), **SMALL)
    for name, value in encoder.state_dict().items():
        if name.endswith(('attention.scale', 'part_bias', 'hop_embedding')):
            assert not value.any(), name
        if name.endswith('attention.topology'):
            assert torch.equal(value, torch.eye(6).expand(3, 6, 6)), name
    assert encoder.state_dict()['blocks.0.attention.hop_embedding'].shape == (5, 3, 4)  # 0-4 hops


def test_joints_of_one_part_have_the_same_embedding():
    """The means are taken over the partition of the layout, not over a fixed one."""
    torch.manual_seed(0)
    x = torch.randn(1, 2, 8, 6, 3)
    other = {**SIX_JOINTS, 'partition': [0, 0, 1, 1, 2, 2]}
    encoders = [Hyperformer(dict(layout=layout), **SMALL).eval() for layout in (SIX_JOINTS, other)]
    randomise(encoders[0])
    encoders[1].load_state_dict(encoders[0].state_dict())
    assert not torch.allclose(*(encoder(x) for encoder in encoders))


NO_PARTITION = {key: value for key, value in SIX_JOINTS.items() if key != 'partition'}


@pytest.mark.parametrize(
    'arguments, message',
    [
        (dict(num_heads=5), 'model.backbone.num_heads is 5, which does not divide the 12 channels'),
        (dict(num_heads=0), 'model.backbone.num_heads is 0'),
        (dict(groups=5), 'model.backbone.groups is 5, which does not divide the 12 channels'),
        (
            dict(graph_cfg=dict(layout=NO_PARTITION)),
            r'Hyperformer needs the body part .* \(model.backbone.graph_cfg.layout',
        ),
        (
            dict(graph_cfg=dict(layout={**SIX_JOINTS, 'partition': [0, 3, 1, 1, 1, 3]})),
            r"layout 'custom': partition has the parts \[0, 1, 3\], .* without a gap",
        ),
        (
            dict(graph_cfg=dict(layout={**SIX_JOINTS, 'partition': [0, 1]})),
            "layout 'custom': partition names 2 joints, num_joints is 6",
        ),
    ],
)
def test_what_does_not_fit_is_one_line(arguments, message):
    with pytest.raises(InputError, match=message) as error:
        Hyperformer(**{'graph_cfg': dict(layout=SIX_JOINTS), **SMALL, **arguments})
    assert '\n' not in str(error.value)


def test_every_parameter_is_trained():
    torch.manual_seed(0)
    encoder = randomise(Hyperformer(dict(layout=SIX_JOINTS), **SMALL))
    encoder(torch.randn(2, 2, 8, 6, 3)).square().sum().backward()
    for name, parameter in encoder.named_parameters():
        assert parameter.grad is not None and parameter.grad.any(), name
        assert parameter.grad.isfinite().all(), name
