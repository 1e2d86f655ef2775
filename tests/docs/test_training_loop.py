"""docs/training_loop.md: its files run unchanged, and its statements hold."""

import shutil
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
import torch.multiprocessing as mp
import torch.nn.functional as F
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, StackDataset

from csre_mm.models import CSRE
from tests.commands import run_script
from tests.conftest import ROOT
from tests.docs.my_project import Encoder, Feeder, Model, train_set
from tests.docs.pages import NAME, blocks

PAGE = ROOT / 'docs/training_loop.md'
FILES = {NAME.match(text)[1]: text for kind, text in blocks(PAGE) if kind == 'python'}
SHAPE, S = (256, 16, 25), len(train_set)
INDEXED = StackDataset(train_set, range(S))


def contrast_of(losses):
    return losses['loss_contrast_spatial'] + losses['loss_contrast_temporal']


def make():
    torch.manual_seed(0)
    return Encoder(), CSRE(SHAPE, S, loss=dict(loss_weight=1.0))


def batch_of_eight():
    return next(iter(DataLoader(INDEXED, 8)))


def assert_equal(found, expected):
    """Of two checkpoints, bit for bit."""
    torch.testing.assert_close(found, expected, rtol=0, atol=0)


def load(name, change=str):
    """The names that a file of the page defines."""
    names = {}
    exec(change(FILES[name]), names)
    return names


def test_a_resumed_loop_ends_as_one_that_never_stopped(tmp_path, monkeypatch):
    shutil.copy(ROOT / 'tests/docs/my_project.py', tmp_path)
    Path(tmp_path, 'plain_loop.py').write_text(FILES['plain_loop.py'])
    monkeypatch.chdir(tmp_path)

    def run(epochs):
        try:
            assert run_script('plain_loop.py', epochs) == 0
        finally:
            sys.modules.pop('my_project', None)
        return torch.load('last.pth', weights_only=True)

    assert run(1)['epoch'] == 1
    resumed = run(2)
    Path('last.pth').unlink()
    whole = run(2)
    assert_equal(resumed, whole)
    assert whole['epoch'] == 2 and len(whole['optimizer']['state']) == 4 + 8
    assert whole['csre']['loss_spatial.bank.labels'].tolist() == train_set.tensors[1].tolist()
    Encoder().load_state_dict(whole['encoder'])  # what testing loads


def run_processor(change=str, backend=None, batch=8):
    processor = load('processor.py', change)['Processor']
    torch.manual_seed(0)
    model = Model()
    if backend:
        model.compile(backend=backend)
    loop = processor(model, DataLoader(Feeder(), batch))
    loop.train()
    return loop


def without_marked_lines(text):
    lines = text.splitlines(keepends=True)
    return ''.join(line for line in lines if not line.endswith('# CSRE\n'))


def test_the_loop_with_a_hook_and_without_its_marked_lines():
    loop, baseline = run_processor(), run_processor(without_marked_lines)
    assert loop.feature_map.shape == (8 * 2, *SHAPE)
    assert loop.csre.loss_spatial.bank.labels.tolist() == train_set.tensors[1].tolist()
    assert all(p in loop.optimizer.state for p in loop.csre.parameters())
    assert 'csre' not in vars(baseline) and not baseline.model.l10._forward_hooks
    found, expected = loop.model.state_dict(), baseline.model.state_dict()
    assert found.keys() == expected.keys()
    assert not torch.equal(found['l10.weight'], expected['l10.weight'])


def test_lightning(monkeypatch):
    logged = []
    lightning = ModuleType('lightning')
    lightning.LightningModule = type(
        'LightningModule', (nn.Module,), {'log_dict': lambda self, losses: logged.append(losses)}
    )
    monkeypatch.setitem(sys.modules, 'lightning', lightning)
    module = load('lit_encoder.py')['LitEncoder'](Encoder(), S)
    before = [p.clone() for p in module.parameters()]
    optimizer = module.configure_optimizers()
    for index, batch in enumerate(DataLoader(INDEXED, 8)):
        optimizer.zero_grad()
        module.training_step(batch, index).backward()
        optimizer.step()
    assert len(logged) == 3 and logged[0].keys() >= {'loss_contrast_spatial', 'spatial_anchors'}
    assert not any(map(torch.equal, before, module.parameters()))
    assert 'csre.loss_spatial.bank.features' in module.state_dict()
    assert module.eval().csre(None, None, None) == {}


def test_evaluation():
    encoder, csre = make()
    (x, labels), indices = batch_of_eight()
    csre.eval()
    assert csre(encoder(x)[0], labels, indices) == {} == csre(None, None, None)
    assert (csre.loss_spatial.bank.labels == -1).all()


class Both(nn.Module):
    """CSRE as a part of a model."""

    def __init__(self, encoder, csre):
        super().__init__()
        self.encoder, self.csre = encoder, csre

    def forward(self, x, labels, indices):
        feature_map, logits = self.encoder(x)
        return logits, self.csre(feature_map, labels, indices)


def train(forward, parameters, batches):
    optimizer = torch.optim.SGD(parameters, lr=0.01)
    for x, labels, indices in batches:
        logits, losses = forward(x, labels, indices)
        optimizer.zero_grad()
        (F.cross_entropy(logits, labels) + contrast_of(losses)).backward()
        optimizer.step()


def batches_of(ranks):
    """Three batches of four samples for each of the ranks, joined."""
    for first in range(0, S, 8):
        indices = torch.cat([torch.arange(first + rank, first + 8, 2) for rank in ranks])
        yield *train_set[indices], indices


def work(rank, folder):
    store = distributed.FileStore(f'{folder}/store', 2)
    distributed.init_process_group('gloo', store=store, rank=rank, world_size=2)
    encoder, csre = make()
    wrapped = DistributedDataParallel(csre, broadcast_buffers=False)
    both = Both(DistributedDataParallel(encoder), wrapped)
    train(both, both.parameters(), batches_of([rank]))
    parts = dict(encoder=encoder.state_dict(), csre=wrapped.module.state_dict())
    model = Both(*make())
    train(DistributedDataParallel(model), model.parameters(), batches_of([rank]))
    torch.save({'wrapped': parts, 'a part': model.state_dict()}, f'{folder}/{rank}.pt')
    distributed.destroy_process_group()


def test_two_ranks_train_as_one_process(tmp_path):
    mp.start_processes(work, (str(tmp_path),), nprocs=2, start_method='forkserver')
    ranks = [torch.load(tmp_path / f'{rank}.pt', weights_only=True) for rank in range(2)]
    assert_equal(ranks[0], ranks[1])
    model = Both(*make())
    train(model, model.parameters(), batches_of([0, 1]))
    torch.testing.assert_close(ranks[0]['a part'], dict(model.state_dict()))
    parts = dict(encoder=model.encoder.state_dict(), csre=model.csre.state_dict())
    torch.testing.assert_close(ranks[0]['wrapped'], parts)


def test_autocast():
    encoder, csre = make()
    (x, labels), indices = batch_of_eight()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        feature_map, _ = encoder(x)
        losses = csre(feature_map, labels, indices)
    assert feature_map.dtype == torch.bfloat16
    contrast_of(losses).backward()
    assert contrast_of(losses).dtype == torch.float32 and encoder.conv.weight.grad.any()
    features = csre.loss_spatial.bank.features[indices]
    assert features.dtype == torch.float32
    lengths = features.norm(dim=1)  # in bfloat16 they would differ from 1 in the third digit
    torch.testing.assert_close(lengths, torch.ones(8), rtol=0, atol=1e-6)
    with pytest.raises(RuntimeError, match='type'):
        csre(feature_map, labels, indices)
    assert contrast_of(csre(feature_map.float(), labels, indices)).isfinite()


def test_a_compiled_encoder_or_model_with_a_hook():
    (x, labels), indices = batch_of_eight()
    graphs, gradients = [], []

    def eager(graph, inputs):
        graphs.append(graph)
        return graph.forward

    for compiled in (False, True):
        encoder, csre = make()
        if compiled:
            encoder.compile(backend=eager)
        contrast_of(csre(encoder(x)[0], labels, indices)).backward()
        gradients.append([p.grad for p in encoder.conv.parameters()])
    assert_equal(*gradients)
    assert len(graphs) == 1
    # Two steps: each is traced, since the number of the step is a constant of its graph.
    found, expected = run_processor(backend=eager, batch=12), run_processor(batch=12)
    assert len(graphs) > 1
    assert_equal(found.model.state_dict(), expected.model.state_dict())
    assert_equal(found.csre.state_dict(), expected.csre.state_dict())


def test_the_errors_of_the_page():
    _, csre = make()
    x, labels, indices = torch.zeros(8, *SHAPE), torch.arange(8) % 3, torch.arange(8)
    calls = [
        (x[:, :64], labels, indices),
        (x, F.one_hot(labels, 60), indices),
        (x, labels.int(), indices),
        (x, labels, indices + 20),
    ]
    messages = []
    for call in calls:
        with pytest.raises(ValueError) as caught:
            csre(*call)
        messages.append(str(caught.value))
    assert [text for kind, text in blocks(PAGE) if kind == 'text'] == ['\n'.join(messages) + '\n']
