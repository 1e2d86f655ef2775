"""Exported graphs against PyTorch, for every encoder."""

import functools
import re
import sys
from inspect import signature

import pytest
import torch
from mmaction.registry import MODELS
from mmengine.registry import init_default_scope
from torch import nn

from csre_mm.apis import export
from csre_mm.apis.export import CHECKED_BATCHES, Exporter, find_format, load_scorer
from csre_mm.utils.errors import InputError
from tests.commands import Command, captured
from tests.conftest import config
from tests.runs import small_config

TWO = {  # a first block, and one with more channels and fewer frames, as three of ten are
    'model.backbone.num_stages': 2,
    'model.backbone.inflate_stages': (2,),
    'model.backbone.down_stages': (2,),
    'model.cls_head.in_channels': 16,
}
SHRINK = {
    'hcn': {},
    '2sagcn': TWO,
    'ctrgcn': {**TWO, 'model.backbone.num_stages': 3},  # the third keeps both
    'hyperformer': {
        key: TWO[key] for key in ('model.backbone.num_stages', 'model.backbone.down_stages')
    },
    'blockgcn': {**TWO, 'model.cls_head.in_channels': 32},
    'stgcn': TWO,
    'stgcnpp': TWO,
    'aagcn': TWO,
    'posec3d': {'test_dataloader.dataset.pipeline.4.crop_size': 32},
}


NEEDS_ONNX = pytest.mark.skipif(
    tuple(map(int, torch.__version__.split('.')[:2])) < (2, 6), reason='ONNX needs torch 2.6'
)


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    return captured(Command('export_onnx.py', tmp_path, monkeypatch), capsys)


def make(folder, encoder, ann_file='none.pkl'):
    """A small config of an encoder, and a checkpoint whose weights all have an effect."""
    init_default_scope('mmaction')
    cfg = small_config(f'csre_{encoder}_ntu60', ann_file, folder)
    cfg.merge_from_dict(SHRINK[encoder])
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    with torch.no_grad():
        for parameter in model.parameters():  # many start as zero, one or nearly zero
            parameter.add_(0.1 * torch.randn_like(parameter))
    torch.save({'state_dict': model.state_dict()}, folder / 'run.pth')
    return cfg, folder / 'run.pth'


@pytest.fixture(scope='module')
def traced(tmp_path_factory):
    """The exporter of an encoder, and its graph."""

    @functools.cache
    def trace(encoder):
        exporter = Exporter(*make(tmp_path_factory.mktemp(encoder), encoder))
        return exporter, exporter.trace()

    return trace


@NEEDS_ONNX
@pytest.mark.parametrize('encoder', SHRINK)
def test_onnx_gives_the_scores_of_pytorch_for_any_batch(tmp_path, traced, encoder):
    for package in ('onnx', 'onnxscript', 'onnxruntime'):
        pytest.importorskip(package)
    exporter, program = traced(encoder)
    differences = exporter.write(program, tmp_path / 'a.onnx', 'onnx')
    assert differences.keys() == set(CHECKED_BATCHES) and max(differences.values()) < 1e-4
    scorer = load_scorer(tmp_path / 'a.onnx', 'onnx')
    clips = exporter.clips(7, seed=9)
    scores = scorer(clips)
    torch.testing.assert_close(scores, exporter.scores(clips), rtol=1e-4, atol=1e-4)
    assert not torch.equal(scores[0], scores[2])
    for part in (scorer(clips[:1]), scorer(clips[2:3])):  # a score does not depend on the batch
        distances = (scores - part).abs().amax(1)
        assert distances.min() < 1e-3 * scores.abs().max()


@pytest.mark.parametrize('encoder', ['ctrgcn', 'posec3d'])
def test_a_program_of_torch_export_gives_exactly_the_scores(tmp_path, traced, encoder):
    exporter, program = traced(encoder)
    differences = exporter.write(program, tmp_path / 'a.pt2', 'torch')
    assert max(differences.values()) < 1e-6
    weights = sum(weight.nbytes for weight in exporter.graph.state_dict().values())
    assert (tmp_path / 'a.pt2').stat().st_size < weights + 1_000_000  # without the example clips
    extra = {'config.py': ''}
    torch.export.load(tmp_path / 'a.pt2', extra_files=extra)
    assert 'neck' not in extra['config.py'] and "type='Recognizer" in extra['config.py']


NEEDS_DEFERRED = pytest.mark.skipif(
    'prefer_deferred_runtime_asserts_over_guards' not in signature(torch.export.export).parameters,
    reason='needs torch 2.9',
)


@NEEDS_DEFERRED
def test_a_free_number_of_frames(tmp_path):
    exporter = Exporter(*make(tmp_path, 'ctrgcn'), free_frames=True)
    program = exporter.trace()
    for target in (tmp_path / 'a.onnx', tmp_path / 'a.pt2'):
        exporter.write(program, target, find_format(target))
        scorer = load_scorer(target, find_format(target))
        for frames in (16, 37, 131):
            clips = torch.randn(2, 2, frames, 25, 3)
            torch.testing.assert_close(scorer(clips), exporter.scores(clips), rtol=1e-4, atol=1e-4)


@NEEDS_DEFERRED
def test_an_encoder_of_a_fixed_number_of_frames_is_refused(tmp_path):
    exporter = Exporter(*make(tmp_path, 'hcn'), free_frames=True)
    with pytest.raises(InputError, match='HCN cannot be exported with a free number of frames'):
        exporter.trace()


def test_the_graph_is_the_recognizer_without_its_preprocessor(tmp_path, ntu_file):
    """The scores of the graph are those that a test turns into probabilities."""
    cfg, checkpoint = make(tmp_path, 'blockgcn', ntu_file)
    exporter = Exporter(cfg, checkpoint)
    assert exporter.shape == (2, 64, 25, 6)  # with BlockGCN's raw joints
    raw = [torch.randn(1, 2, 64, 25, 3) for _ in range(2)]
    data = exporter.model.data_preprocessor({'inputs': raw, 'data_samples': []})
    with torch.no_grad():
        expected = exporter.model(data['inputs'], mode='tensor', stage='head')
    torch.testing.assert_close(exporter.scores(data['inputs'].flatten(0, 1)), expected)


class Frozen(nn.Module):
    """An encoder that makes the batch size a constant, that of the traced clips."""

    def forward(self, x):
        return x.reshape(3, -1).mean(1)


def test_a_batch_that_is_not_dynamic_is_found(tmp_path, traced, monkeypatch):
    exporter, program = traced('hcn')
    with monkeypatch.context() as patch:
        patch.setattr(exporter, 'graph', Frozen())
        with pytest.raises(InputError, match=r'HCN cannot be exported: .*batch'):
            exporter.trace()
    monkeypatch.setattr(export, 'load_scorer', lambda *_: lambda x: exporter.scores(x)[:2])
    with pytest.raises(InputError, match=r'the graph gives scores \(2, 60\) for 5 clips'):
        exporter.write(program, tmp_path / 'a.pt2', 'torch')
    assert not list(tmp_path.glob('*.pt2'))


@pytest.mark.parametrize('factor', [1.001, float('nan')])
def test_a_graph_that_differs_is_not_left_behind(tmp_path, traced, monkeypatch, factor):
    exporter, program = traced('hcn')
    monkeypatch.setattr(export, 'load_scorer', lambda *_: lambda x: factor * exporter.scores(x))
    with pytest.raises(InputError, match=r'differs from PyTorch by .* for 1 clips'):
        exporter.write(program, tmp_path / 'a.pt2', 'torch')
    assert not list(tmp_path.glob('*.pt2'))
    if factor == factor:
        exporter.write(program, tmp_path / 'a.pt2', 'torch', tolerance=0.01)
        assert (tmp_path / 'a.pt2').exists()


@NEEDS_ONNX
def test_the_command_prints_differences_and_latencies(run, tmp_path):
    for package in ('onnx', 'onnxscript', 'onnxruntime'):
        pytest.importorskip(package)
    cfg, checkpoint = make(tmp_path, 'hcn')
    cfg.dump('small.py')
    status, out, err = run('small.py', checkpoint, 'a.onnx', '--rounds', 1)
    assert status == 0, err
    assert re.search(r'a\.onnx: \d+\.\d\d MB .* clips \(N, 2, 64, 25, 3\) of any number N', out)
    assert len(re.findall(r'^[125] clips: differs from PyTorch by \d\.\de-\d+', out, re.M)) == 3
    assert re.search(r'^ +16 +[\d.]+ +[\d.]+ +[\d.]+$', out, re.M)
    import onnx

    model = onnx.load('a.onnx')
    assert {prop.key for prop in model.metadata_props} >= {'config'}
    assert (
        not model.graph.input[0].type.tensor_type.shape.dim[0].dim_value
    )  # symbolic, not a number
    status, _, err = run('small.py', checkpoint, 'b.onnx', '--tolerance', '1e-12')
    assert status == 2 and 'more than --tolerance 1e-12: nothing was written' in err
    assert not list(tmp_path.glob('*b.onnx'))


@NEEDS_ONNX
def test_a_missing_package_is_named_with_its_command(monkeypatch):
    for package in ('onnx', 'onnxscript', 'onnxruntime'):
        monkeypatch.setitem(sys.modules, package, None)
    message = r"ONNX needs onnx, which is not installed: pip install 'csre_mm\[export\]'"
    with pytest.raises(InputError, match=message):
        find_format('a.onnx')
    assert find_format('a.pt2') == 'torch'


def test_bad_input_is_one_line_and_status_2(run, tmp_path):
    cfg, checkpoint = make(tmp_path, 'ctrgcn')
    cfg.dump('small.py')
    (tmp_path / 'text.pth').write_text('no checkpoint')
    (tmp_path / 'file').touch()
    cases = [
        (['nowhere.py', checkpoint, 'a.pt2'], 'no such config: nowhere.py'),
        (['small.py', 'absent.pth', 'a.pt2'], 'no such checkpoint: absent.pth'),
        (['small.py', 'text.pth', 'a.pt2'], 'text.pth cannot be read as a checkpoint'),
        ([config('hcn_ntu60'), checkpoint, 'a.pt2'], 'is a checkpoint of another model: '),
        (['small.py', checkpoint, 'a.bin'], 'a.bin: the name must end in .onnx or .pt2'),
        (['small.py', checkpoint, 'file/a.pt2'], 'file'),
    ]
    for arguments, message in cases:
        status, out, err = run(*arguments)
        assert status == 2 and not out, arguments
        assert message in err and err.count('\n') == 1
        assert err.startswith('export_onnx.py: error: ')
    for flags in (['--tolerance', '0'], ['--rounds', '-1']):
        status, _, err = run('small.py', checkpoint, 'a.pt2', *flags)
        assert status == 2 and f'{flags[0]} is' in err
