"""What runs on a GPU equals what runs on a CPU, and is one graph for torch.compile."""

import pytest
import torch
import torch.nn.functional as F

from csre_mm.models import CSRE, MemoryBank, MemoryContrastLoss
from csre_mm.models.losses.contrast import contrast
from csre_mm.utils import device
from tests.gpu.counting import Counts

D, N = 16, 12


def make_losses(slots=1500, filled=1.0, second=None, **options):
    """Two losses whose banks hold the same labels."""
    generator = torch.Generator().manual_seed(0)
    options = dict(feat_dim=D, num_positives=20, num_negatives=40, num_slots=slots) | options
    losses = [MemoryContrastLoss(**options), MemoryContrastLoss(**options | (second or {}))]
    labels = torch.randint(7, (slots,), generator=generator)
    empty = torch.rand(slots, generator=generator) >= filled
    for loss in losses:
        features = F.normalize(torch.randn(slots, D, generator=generator), dim=1)
        loss.bank.features.copy_(features.masked_fill(empty.unsqueeze(1), 0))
        loss.bank.labels.copy_(labels.masked_fill(empty, -1))
        loss._seed = 3
    return losses, labels


def run(losses, labels, steps=2):
    """Values, gradients, statistics and banks of some steps."""
    generator, found = torch.Generator().manual_seed(1), []
    for _ in range(steps):
        indices = torch.randint(len(labels), (N,), generator=generator)
        z = torch.randn(2, N, D, generator=generator)
        z[1, 0, 0] = torch.nan  # a sample that is left out
        z.requires_grad_()
        results = contrast(losses, list(z), labels[indices], indices)
        sum(value for value, _ in results).backward()
        found += [value.detach() for value, _ in results] + [z.grad]
        found += [number for _, statistics in results for number in statistics.values()]
        found += [x.clone() for loss in losses for x in loss.bank.buffers()]
    return found


SETTINGS = {
    'usual': {},
    'few slots': dict(slots=90),
    'empty': dict(filled=0.0),
    'half-filled': dict(filled=0.5, update='after'),
    'strict': dict(gate='strict', num_positives=210),
    'fractions': dict(num_positives=0.3, num_negatives=0.1, filled=0.7),
    'float16': dict(bank_dtype='float16'),
    'two settings': dict(second=dict(temperature=0.1, num_negatives=30, update='after')),
}


@pytest.mark.parametrize('name', SETTINGS)
def test_the_branches_for_a_gpu_equal_those_for_a_cpu(monkeypatch, name):
    expected = run(*make_losses(**SETTINGS[name]))
    monkeypatch.setattr(device, 'CPU', 'another')
    with Counts() as counts:
        found = run(*make_losses(**SETTINGS[name]))
    for x, y in zip(found, expected, strict=True):
        torch.testing.assert_close(x, y, rtol=1e-5, atol=1e-6)
    assert not counts.reads


def test_a_half_precision_bank_in_chunks(monkeypatch):
    bank = MemoryBank(D, 'float16')
    bank.allocate(10)
    bank.features.copy_(torch.randn(10, D))
    z = torch.randn(3, D)
    monkeypatch.setattr(device, 'CPU', 'another')
    torch.testing.assert_close(bank.similarities(z, rows=4), bank.features.float() @ z.T)


@pytest.mark.parametrize('bank_dtype', ['float32', 'float16'])
def test_operations_of_a_step(monkeypatch, bank_dtype):
    """Both losses, forward and backward: 376 and 918 before they were computed together."""
    monkeypatch.setattr(device, 'CPU', 'another')
    losses, labels = make_losses(bank_dtype=bank_dtype)
    with Counts() as counts:
        run(losses, labels, steps=1)
    assert sum(counts.launches.values()) <= 220


NEWER_TORCH = pytest.mark.skipif(
    tuple(map(int, torch.__version__.split('.')[:2])) < (2, 7),
    reason='the compilers of torch 2.4 and 2.6 cannot follow shapes and named tuples',
)


@NEWER_TORCH
def test_the_contrast_is_one_graph(monkeypatch):
    """Nothing in it changes from step to step but tensors: it is compiled once."""
    graphs = []

    def backend(graph, inputs):
        graphs.append(graph)
        return graph

    options = dict(warmup_iters=4, filled=0.5)
    monkeypatch.setattr(device, 'CPU', 'another')
    expected = run(*make_losses(**options), steps=4)
    losses, labels = make_losses(**options)
    for loss in losses:
        loss.compile(fullgraph=True, backend=backend)
    found = run(losses, labels, steps=4)
    for x, y in zip(found, expected, strict=True):
        torch.testing.assert_close(x, y, rtol=1e-5, atol=1e-6)
    assert len(graphs) == 2  # normalisation, and what follows the exchange between ranks


@NEWER_TORCH
def test_the_neck_compiles_as_a_whole():
    found = []
    for compiled in (False, True):
        torch.manual_seed(0)
        csre = CSRE((16, 4, 5), num_samples=30, feat_dim=D)
        if compiled:
            csre.compile(fullgraph=True, backend='aot_eager')
        feature_map = torch.randn(6, 2, 16, 4, 5, requires_grad=True)
        losses = csre(feature_map, torch.arange(6) % 2, torch.arange(6))
        sum(value for key, value in losses.items() if 'loss' in key).backward()
        gradients = [parameter.grad for parameter in csre.parameters()]
        found.append([*losses.values(), feature_map.grad, *gradients])
    for x, y in zip(*found, strict=True):
        torch.testing.assert_close(x, y, rtol=1e-5, atol=1e-6)
