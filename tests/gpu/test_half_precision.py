"""Every encoder trains in float16: no sum of a forward or backward pass leaves its range."""

import pytest
import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from torch import nn

from csre_mm.datasets.input_shape import read_input_shape
from tests.conftest import config

# Three blocks have the largest sums of all ten: all frames, channels of the second block.
STAGES = dict(num_stages=3, inflate_stages=(2,), down_stages=(3,))
SHORT = {
    'hcn': {},
    '2sagcn': dict(num_stages=2, inflate_stages=(2,), down_stages=()),
    'ctrgcn': STAGES,
    'hyperformer': dict(num_stages=3, down_stages=(3,)),
    'blockgcn': STAGES,
    'stgcn': STAGES,
    'stgcnpp': STAGES,
    'aagcn': STAGES,
    'posec3d': {},
}
OUTLIER = 8.0  # what normalisation gives the one far skeleton in a batch of 64: 63 ** 0.5


@pytest.mark.parametrize('name', SHORT)
def test_no_sum_leaves_the_range_of_float16(name):
    cfg = Config.fromfile(config(f'{name}_ntu60'))
    shape = read_input_shape(cfg, training=True).sample()[1:]
    torch.manual_seed(0)
    if name == 'posec3d':  # heatmaps; sums are over channels and kernels, whatever the size
        clips = torch.rand(2, shape[0], 8, 14, 14)
        clips[0] = 1
    else:
        clips = torch.randn(1, *shape)  # (N, M, T, V, C)
        clips[:, 0] = OUTLIER * torch.randn(shape[-2:]).sign()  # stands still: its sums are largest
    encoder = MODELS.build({**cfg.model.backbone, **SHORT[name]})
    for module in encoder.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.eval()  # two skeletons would be normalised to 1 and -1
    with torch.autocast('cpu', torch.float16):
        feature_map = encoder(clips)
    assert feature_map.isfinite().all()
    feature_map.float().square().mean().backward()
    found = {n: p.grad for n, p in encoder.named_parameters()} | dict(encoder.named_buffers())
    assert [key for key, x in found.items() if x is not None and not x.isfinite().all()] == []
