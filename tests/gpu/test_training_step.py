"""A whole training step with CSRE on the meta device, which raises where a value is read."""

from types import SimpleNamespace

import pytest
import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.config import Config
from mmengine.hooks import RuntimeInfoHook
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope

from csre_mm.datasets.input_shape import read_input_shape
from csre_mm.models.necks.feature_map import find_feature_map
from csre_mm.utils import device
from tests.conftest import OF_CLIPS, config
from tests.gpu.counting import Counts

ENCODERS = ('hcn', '2sagcn', 'ctrgcn', 'hyperformer', 'blockgcn', *OF_CLIPS)
N, SLOTS = 4, 3000


@pytest.fixture
def on_meta(monkeypatch):
    """Let the meta device draw random numbers, which it has no generator for."""
    generator = torch.Generator
    monkeypatch.setattr(torch, 'Generator', lambda device=None: generator())


def make_step(name):
    """A model on the meta device, its optimizer and a batch on the CPU."""
    init_default_scope('mmaction')
    cfg = Config.fromfile(config(f'csre_{name}_ntu60'))
    shape = read_input_shape(cfg, training=True)
    encoder = MODELS.build(cfg.model.backbone).to('meta')
    clips = torch.empty(2, *shape.sample()[1:], device='meta')
    cfg.model.neck.update(find_feature_map(encoder, clips, shape.heatmaps)._asdict())
    cfg.optim_wrapper.pop('clip_grad', None)  # PoseC3D: mmengine reads the norm of the gradient
    model = MODELS.build(cfg.model).to('meta').train()
    for loss in model.neck.losses.values():
        loss.bank.allocate(SLOTS)
    samples = [ActionDataSample().set_gt_label(i % 2) for i in range(N)]
    for index, sample in enumerate(samples):
        sample.set_metainfo({'sample_idx': index})
    batch = {'inputs': [torch.rand(shape.sample()) for _ in samples], 'data_samples': samples}
    return model, build_optim_wrapper(model, cfg.optim_wrapper), batch


@pytest.mark.parametrize('name', ENCODERS)
def test_a_training_step_reads_nothing_and_copies_a_batch_at_once(on_meta, monkeypatch, name):
    model, optimizer, batch = make_step(name)
    monkeypatch.setattr(optimizer, 'zero_grad', lambda: None)  # to see that all have a gradient
    with Counts('meta') as counts:
        log = model.train_step(batch, optimizer)
    assert {'loss_cls', 'loss_contrast_spatial', 'top1_acc'} <= log.keys()
    assert all(value.device.type == 'meta' for value in log.values())
    assert all(p.grad is not None for p in model.parameters())
    assert not counts.reads
    # Clips, labels, indices, rotations; mmaction2's preprocessor of heatmaps moves each by itself.
    assert sum(counts.copies.values()) <= (4 if name != 'posec3d' else 2 * N + 1)


def test_the_scalars_of_a_step_are_read_at_once(monkeypatch):
    hub = {}
    runner = SimpleNamespace(message_hub=SimpleNamespace(update_scalar=hub.__setitem__))
    monkeypatch.setattr(device, 'CPU', 'another')
    outputs = {f'loss_{i}': torch.tensor(i / 10, requires_grad=True) for i in range(9)}
    outputs |= {'top1_acc': torch.tensor(1 / 3, dtype=torch.float64), 'count': 3}
    with Counts() as counts:
        RuntimeInfoHook().after_train_iter(runner, 0, outputs=outputs)
    assert hub == {f'train/{key}': torch.as_tensor(x).item() for key, x in outputs.items()}
    assert sum(counts.reads.values()) <= 1


@pytest.mark.parametrize('classes', [3, 60])
@pytest.mark.parametrize('count', [1, 7])
def test_accuracies_are_those_of_mmaction2(classes, count):
    from mmaction.evaluation import top_k_accuracy

    torch.manual_seed(0)
    head = MODELS.build(dict(type='GCNHead', num_classes=classes, in_channels=4))
    scores, labels = torch.randn(count, classes), torch.randint(classes, (count,))
    samples = [ActionDataSample().set_gt_label(int(label)) for label in labels]
    found = head.loss_by_feat(scores, samples)
    expected = top_k_accuracy(scores.numpy(), labels.numpy(), head.topk)
    assert [found[f'top{k}_acc'].item() for k in head.topk] == expected
    assert found['loss_cls'] == torch.nn.functional.cross_entropy(scores, labels)
