import pytest
import torch

from csre_mm.models import AGCN, CTRGCN, BlockGCN, Hyperformer
from csre_mm.models.backbones.skeleton_encoder import SkeletonInput
from csre_mm.utils.errors import InputError

LAYOUT = dict(
    num_joints=4, edges=[(1, 0), (2, 0), (3, 2)], center=0, partition=[0, 1, 1, 0]
)  # fmt: skip
GRAPH_ENCODERS = {
    AGCN: dict(base_channels=8, inflate_stages=(2,)),
    CTRGCN: dict(base_channels=8, inflate_stages=(2,)),
    Hyperformer: dict(base_channels=8, num_heads=2, groups=2),
    BlockGCN: dict(base_channels=8, num_heads=2, inflate_stages=(2,)),
}

CLOSE = dict(rtol=1e-5, atol=1e-5)  # BlockGCN's topology is computed in single precision


def build(kind):
    torch.manual_seed(0)
    arguments = dict(num_stages=4, down_stages=(2, 3), **GRAPH_ENCODERS[kind])
    return kind(dict(layout=LAYOUT), **arguments)


@pytest.fixture(params=GRAPH_ENCODERS, ids=lambda kind: kind.__name__)
def encoder(request):
    return build(request.param)


@pytest.mark.parametrize(
    'shape, message',
    [
        (
            (2, 2, 3, 4, 3),
            r'have 3 frames, the encoder makes one of 4: set clip_len .* to 4 or more',
        ),
        ((2, 2, 0, 4, 3), 'have 0 frames, the encoder makes one of 4: set clip_len'),
        ((2, 1, 8, 4, 3), 'have 1 persons, model.backbone.num_person stands for 2'),
        ((2, 3, 8, 4, 3), 'have 3 persons, model.backbone.num_person stands for 2'),
        ((2, 2, 8, 5, 3), 'have 5 joints, model.backbone.graph_cfg.layout stands for 4'),
        ((2, 2, 8, 1, 3), 'have 1 joints, model.backbone.graph_cfg.layout stands for 4'),
        ((2, 2, 8, 4, 2), 'have 2 channels, model.backbone.in_channels stands for 3'),
        ((2, 8, 4, 3), r'takes \(N, M, T, V, C\), not 4 axes; .* FormatGCNInput'),
        ((2, 1, 2, 8, 4, 3), r'takes \(N, M, T, V, C\), not 6 axes'),
    ],
)
def test_other_input_is_one_line(encoder, shape, message):
    with pytest.raises(InputError, match=message) as error:
        encoder(torch.zeros(shape))
    assert '\n' not in str(error.value)


@pytest.mark.parametrize('window, frames', [(4, 1), (5, 2), (7, 2), (8, 2), (9, 3)])
def test_every_window_from_the_strides_on_gives_a_feature_map(encoder, window, frames):
    """Each stride rounds up."""
    channels = 8 if isinstance(encoder, Hyperformer) else 16
    y = encoder(torch.randn(1, 2, window, 4, 3))
    assert y.shape == (1, 2, channels, frames, 4)


def test_samples_and_persons_keep_their_order(encoder):
    encoder.double().eval()
    x = torch.randn(3, 2, 8, 4, 3, dtype=torch.float64)
    y = encoder(x)
    order = torch.tensor([2, 0, 1])
    torch.testing.assert_close(encoder(x[order]), y[order], **CLOSE)
    torch.testing.assert_close(encoder(x.flip(1)), y.flip(1), **CLOSE)


def test_a_batch_that_is_not_contiguous_gives_the_same(encoder):
    encoder.double().eval()
    x = torch.randn(2, 8, 4, 2, 3, dtype=torch.float64).permute(0, 3, 1, 2, 4)
    torch.testing.assert_close(encoder(x), encoder(x.contiguous()), **CLOSE)


def test_single_precision_gives_the_numbers_of_double(encoder):
    encoder.eval()
    x = torch.randn(2, 2, 8, 4, 3)
    y = encoder(x)
    expected = encoder.double()(x.double())
    assert expected.dtype == torch.float64
    torch.testing.assert_close(y.double(), expected, rtol=1e-3, atol=1e-4 * y.abs().max().item())


def test_bfloat16_on_a_cpu_is_close(encoder):
    x = torch.randn(2, 2, 8, 4, 3)
    expected = encoder(x)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        y = encoder(x)
    y.float().sum().backward()
    assert (y.float() - expected).norm() < 0.15 * expected.norm()
    assert all(p.grad is None or p.grad.isfinite().all() for p in encoder.parameters())


def test_the_input_is_left_as_it_is(encoder):
    x = torch.randn(2, 2, 8, 4, 3)
    before = x.clone()
    encoder(x).sum().backward()
    assert torch.equal(x, before)


@pytest.mark.parametrize('kind', [AGCN, CTRGCN, Hyperformer])  # BlockGCN embeds the joints first
def test_the_input_normalises_each_channel_of_each_joint_of_each_person(kind):
    """In training the output does not depend on offset and scale of a joint."""
    encoder = build(kind).train()
    x = torch.randn(3, 2, 8, 4, 3)
    scale, shift = torch.rand(2, 1, 4, 3) + 0.5, torch.randn(2, 1, 4, 3)
    torch.testing.assert_close(encoder(x * scale + shift), encoder(x), rtol=1e-3, atol=1e-3)


def test_the_input_normalisation_equals_its_definition():
    torch.manual_seed(0)
    N, M, T, V, C = 3, 2, 4, 5, 3
    normalize = SkeletonInput(M, V, C).double().train()
    torch.nn.init.normal_(normalize.bn.weight)
    torch.nn.init.normal_(normalize.bn.bias)
    x = torch.randn(N, M, T, V, C, dtype=torch.float64)
    with torch.no_grad():
        y = normalize(x)
    assert y.shape == (N * M, C, T, V)
    weight, bias = (p.detach().view(M, V, C) for p in (normalize.bn.weight, normalize.bn.bias))
    for m in range(M):
        for v in range(V):
            for c in range(C):
                values = x[:, m, :, v, c]
                normal = (values - values.mean()) / (values.var(unbiased=False) + 1e-5).sqrt()
                expected = normal * weight[m, v, c] + bias[m, v, c]
                torch.testing.assert_close(y[m::M, c, :, v], expected)
