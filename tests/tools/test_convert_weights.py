"""The command, and that the other commands take its output as a checkpoint."""

import pickle
import re

import pytest
import torch
from mmaction.registry import MODELS
from mmengine.registry import init_default_scope
from mmengine.runner import load_checkpoint

from csre_mm.models.conversion import ENCODERS
from csre_mm.utils.checkpoints import load_checkpoint_file
from tests import releases
from tests.commands import captured, run_tool
from tests.conftest import config, options_of

# The plans of the configs, with the channels that the tests' options shrink them to.
TEN = [(3, 8, 1), *[(8, 8, 1)] * 3, (8, 16, 2), *[(16, 16, 1)] * 2, (16, 32, 2), *[(32, 32, 1)] * 2]


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    return captured(run_tool, capsys)


def small():
    return releases.ctrgcn([(3, 8, 1), (8, 16, 2)])


def build_small():
    init_default_scope('mmaction')
    backbone = dict(
        type='CTRGCN',
        graph_cfg=dict(layout=releases.LAYOUT),
        base_channels=8,
        num_stages=2,
        inflate_stages=(2,),
        down_stages=(2,),
    )
    head = dict(type='GCNHead', num_classes=releases.CLASSES, in_channels=16)
    return MODELS.build(dict(type='RecognizerGCN', backbone=backbone, cls_head=head))


@pytest.mark.parametrize('wrap', [dict, lambda state: {'epoch': 3, 'state_dict': dict(state)}])
def test_writes_a_checkpoint_that_loads_strictly(run, tmp_path, wrap):
    release, model = small(), build_small()
    torch.save(wrap(release), 'release.pt')
    status, out, err = run('convert_weights.py', 'ctrgcn', 'release.pt', 'out/ours.pth')
    assert status == 0, err
    count = sum(parameter.numel() for parameter in model.parameters())
    assert out == f'out/ours.pth: {count:,} parameters of ctrgcn\n'
    content = load_checkpoint_file('out/ours.pth')
    assert content['meta'] == {'converted_from': 'ctrgcn'}
    load_checkpoint(model, 'out/ours.pth', strict=True)
    assert torch.equal(model.backbone.blocks[1].gcn.A, release['l2.gcn1.PA'])
    assert [path.name for path in (tmp_path / 'out').iterdir()] == ['ours.pth']


def test_the_test_command_takes_what_was_written(run, ntu_file):
    """The released weights on the shipped config, shrunk as the other tests do."""
    release = releases.ctrgcn(TEN, V=25)
    release['fc.weight'], release['fc.bias'] = torch.zeros(60, 32), torch.zeros(60)
    release['fc.bias'][1] = 1  # the weights say: always the second class
    state = {key: value * 1e-6 if value.ndim else value for key, value in release.items()}
    torch.save(state, 'release.pt')
    assert run('convert_weights.py', 'ctrgcn', 'release.pt', 'ours.pth')[0] == 0
    depth = {'num_stages': 10, 'inflate_stages': (5, 8), 'down_stages': (5, 8)}
    depth = {f'model.backbone.{key}': value for key, value in depth.items()}
    options = options_of(ntu_file, csre=False, experiment_name='converted', **depth)
    arguments = [config('ctrgcn_ntu60'), 'ours.pth', '--work-dir', 'work', '--dump', 'scores.pkl']
    status, _, err = run('test.py', *arguments, '--cfg-options', *options)
    assert status == 0, err
    with open('scores.pkl', 'rb') as file:
        samples = pickle.load(file)
    assert len(samples) == 24 and {sample['pred_label'] for sample in samples} == {1}


def refused(run, *arguments):
    status, out, err = run('convert_weights.py', *arguments)
    assert status == 2 and not out
    return err


def test_bad_files_are_one_line_and_status_2(run, tmp_path):
    torch.save(dict(small()), 'release.pt')
    torch.save({'state_dict': {'fc.weight': 'none'}}, 'words.pt')
    torch.save([1, 2], 'list.pt')
    torch.save({}, 'empty.pt')
    (tmp_path / 'text.pt').write_text('no checkpoint')
    (tmp_path / 'nothing.pt').touch()
    for file, message in {
        'release.pt': 'the state dict has no l1.gcn1.conv_a.0.*: is it of this encoder?',
        'words.pt': "words.pt: the release holds no state_dict: 'fc.weight' is a str",
        'list.pt': 'list.pt: the release holds no state_dict',
        'empty.pt': 'empty.pt: the release holds no state_dict',
        'text.pt': 'text.pt cannot be read as a checkpoint',
        'nothing.pt': 'nothing.pt cannot be read as a checkpoint',
        'absent.pt': 'no such checkpoint: absent.pt',
        '.': 'no such checkpoint: .',
    }.items():
        err = refused(run, '2sagcn', file, 'ours.pth')
        assert err.startswith('convert_weights.py: error: ') and err.count('\n') == 1, err
        assert message in err
    assert not (tmp_path / 'ours.pth').exists()


def test_a_file_that_would_run_code_is_refused(run, tmp_path):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / 'made'), 'w'))

    torch.save({'state_dict': Evil()}, 'evil.pt')
    err = refused(run, 'ctrgcn', 'evil.pt', 'ours.pth')
    assert 'evil.pt' in err and err.count('\n') == 1
    assert re.search('it asks for _?io.open,', err)  # "_io" from Python 3.12 on
    assert not (tmp_path / 'made').exists()


def test_an_unknown_encoder_names_the_known_ones(run):
    err = refused(run, 'stgcn', 'release.pt', 'ours.pth')
    assert "invalid choice: 'stgcn'" in err.splitlines()[-1]
    assert all(encoder in err for encoder in ENCODERS)


def test_a_target_that_cannot_be_written(run, tmp_path):
    torch.save(dict(small()), 'release.pt')
    (tmp_path / 'file').touch()
    err = refused(run, 'ctrgcn', 'release.pt', 'file/ours.pth')
    assert err.startswith('convert_weights.py: error: ') and err.count('\n') == 1
