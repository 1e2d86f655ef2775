"""The two main commands, on small data."""

import os
import pickle
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
import torch.multiprocessing as mp

from csre_mm.utils.checkpoints import load_checkpoint_file
from csre_mm.visualization.run_folder import gather_run, summary_row
from tests.commands import run_tool
from tests.conftest import ROOT, config, options_of


def weights(path):
    return load_checkpoint_file(str(path))['state_dict']


@pytest.fixture(scope='module')
def trained(tmp_path_factory, ntu_file):
    """Folders of a baseline and a CSRE run of two epochs each."""
    folder = tmp_path_factory.mktemp('trained')
    runs = {}
    for name, csre in (('ctrgcn_ntu60', False), ('csre_ctrgcn_ntu60', True)):
        options = options_of(ntu_file, csre=csre, experiment_name=name)
        arguments = [config(name), '--work-dir', folder / name, '--seed', 3]
        assert run_tool('train.py', *arguments, '--cfg-options', *options) == 0
        runs[name] = folder / name
    return runs


def test_csre_logs_its_losses_and_statistics(trained):
    log = next(trained['csre_ctrgcn_ntu60'].glob('*/*.log')).read_text()
    for key in ('loss_contrast_spatial', 'loss_contrast_temporal', 'spatial_anchors'):
        assert re.search(rf'{key}: [0-9.]+', log)
    assert 'loss_contrast' not in next(trained['ctrgcn_ntu60'].glob('*/*.log')).read_text()


def test_banks_are_in_the_checkpoint(trained, ntu_file):
    state = weights(trained['csre_ctrgcn_ntu60'] / 'epoch_2.pth')
    with open(ntu_file, 'rb') as file:
        annotations = pickle.load(file)['annotations']
    labels = [a['label'] for a in annotations if a['frame_dir'].startswith('xsub_train')]
    for name in ('spatial', 'temporal'):
        assert state[f'neck.loss_{name}.bank.labels'].tolist() == labels
        assert state[f'neck.loss_{name}.bank.features'].shape == (24, 256)


def scores(tmp_path, name, checkpoint, ann_file, *extra):
    out = tmp_path / f'{name}.pkl'
    options = options_of(ann_file, csre='csre' in name, experiment_name=str(out))
    arguments = [config(name), checkpoint, '--dump', out, '--work-dir', tmp_path / 'test' / name]
    status = run_tool('test.py', *arguments, '--cfg-options', *options, *extra)
    assert status == 0
    return out.read_bytes()


@pytest.mark.parametrize('name', ['ctrgcn_ntu60', 'csre_ctrgcn_ntu60'])
def test_either_checkpoint_under_either_config(tmp_path, trained, ntu_file, name):
    checkpoint = trained[name] / 'epoch_2.pth'
    dumps = [
        scores(tmp_path, which, checkpoint, ntu_file)
        for which in ('ctrgcn_ntu60', 'csre_ctrgcn_ntu60')
    ]
    assert dumps[0] == dumps[1]
    first = pickle.loads(dumps[0])[0]
    assert first['frame_dir'] == 'xsub_val_000' and first['pred_score'].shape == (60,)
    logs = [path.read_text() for path in (tmp_path / 'test').glob('*/*/*.log')]
    left_out = sum('Left out' in log for log in logs)
    assert left_out == (2 if name.startswith('csre') else 0)


@pytest.fixture
def as_bones(tmp_path, trained):
    """The checkpoint of the baseline, as if it was trained on bones."""
    content = load_checkpoint_file(str(trained['ctrgcn_ntu60'] / 'epoch_2.pth'))
    content['meta']['cfg'] = content['meta']['cfg'].replace("stream='j'", "stream='b'")
    torch.save(content, tmp_path / 'bones.pth')
    return tmp_path / 'bones.pth'


def test_a_stream_is_tested_as_it_was_trained(tmp_path, trained, ntu_file, as_bones, capsys):
    name, bones = 'ctrgcn_ntu60', 'model.data_preprocessor.stream=b'
    joints = trained[name] / 'epoch_2.pth'
    assert scores(tmp_path, name, joints, ntu_file) != scores(
        tmp_path, name, as_bones, ntu_file, bones
    )
    recording = tmp_path / 'a.npy'
    np.save(recording, np.random.default_rng(0).normal(size=(2, 20, 25, 3)))
    for checkpoint, stream in ((joints, 'b'), (as_bones, 'j')):
        options = [*options_of(ntu_file, csre=False), f'model.data_preprocessor.stream={stream}']
        for script, *arguments in (
            ('test.py', config(name), checkpoint, '--work-dir', tmp_path / 'test'),
            ('predict.py', config(name), checkpoint, recording),
            ('publish.py', checkpoint, tmp_path / 'out.pth', '--config', config(name)),
            ('export_onnx.py', config(name), checkpoint, tmp_path / 'out.pt2'),
        ):
            capsys.readouterr()
            assert run_tool(script, *arguments, '--cfg-options', *options) == 2
            message = capsys.readouterr().err.splitlines()[-1]
            trained_on = 'j' if stream == 'b' else 'b'
            assert message == (
                f'{script}: error: {checkpoint}: model.data_preprocessor.stream was {trained_on} '
                f'in training, the config has {stream}: set it to {trained_on}'
            )
    assert not list(tmp_path.glob('out*'))


def test_testing_changes_nothing_that_the_training_wrote(tmp_path, trained, ntu_file):
    name = 'csre_ctrgcn_ntu60'
    shutil.copytree(trained[name], tmp_path / name)
    files = [path for path in (tmp_path / name).rglob('*') if path.is_file()]
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in files}
    dump = tmp_path / name / 'scores.pkl'
    arguments = [config(name), tmp_path / name / 'epoch_2.pth', '--dump', dump]
    options = options_of(ntu_file, csre=True, experiment_name='tested')
    status = run_tool(
        'test.py', *arguments, '--work-dir', tmp_path / name, '--cfg-options', *options
    )
    assert status == 0 and dump.is_file()
    assert before == {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in files}
    run = gather_run('ours', tmp_path / name)
    assert summary_row(run)[2] == 'yes' and run.banks and run.cfg.randomness.seed == 3


def test_csre_of_weight_zero_trains_the_weights_of_the_baseline(tmp_path, trained, ntu_file):
    options = options_of(ntu_file, csre=True, **{'model.neck.loss.loss_weight': 0.0})
    arguments = [config('csre_ctrgcn_ntu60'), '--work-dir', tmp_path, '--seed', 3]
    assert run_tool('train.py', *arguments, '--cfg-options', *options) == 0
    baseline, csre = (weights(path / 'epoch_2.pth') for path in (trained['ctrgcn_ntu60'], tmp_path))
    assert all(torch.equal(baseline[key], csre[key]) for key in baseline)
    contrasted = weights(trained['csre_ctrgcn_ntu60'] / 'epoch_2.pth')
    assert not all(torch.equal(baseline[key], contrasted[key]) for key in baseline)


def test_seed_overrides_the_config_and_flags_reach_it(tmp_path, ntu_file, capsys):
    settings = tmp_path / 'config.py'
    settings.write_text(f'_base_ = {str(config("ctrgcn_ntu60"))!r}\nrandomness = dict(seed=5)\n')
    options = options_of(ntu_file, csre=False, **{'train_cfg.max_epochs': 1})
    flags = ['--amp', '--no-validate', '--auto-scale-lr', '--resume']
    arguments = [settings, '--seed', 7, *flags, '--work-dir', tmp_path / 'run']
    status = run_tool('train.py', *arguments, '--cfg-options', *options)
    assert status == 0
    anew = f'There is no checkpoint in {tmp_path / "run"}: the training starts anew.'
    assert anew in capsys.readouterr().out
    log = next(tmp_path.glob('run/*/*.log')).read_text()
    assert re.search(r'seed: 7\b', log) and 'LR is set based on batch size of 64' in log
    assert 'Epoch(val)' not in log
    assert load_checkpoint_file(str(tmp_path / 'run/epoch_1.pth'))['meta']['seed'] == 7


def test_interrupted_and_resumed(monkeypatch, tmp_path, ntu_file):
    """Ctrl-C in the second epoch, then --resume: the run ends where it would have ended."""
    monkeypatch.chdir(tmp_path)
    options = options_of(ntu_file, csre=True)
    arguments = [config('csre_ctrgcn_ntu60'), '--seed', '0', '--cfg-options', *options]
    command = [sys.executable, '-u', ROOT / 'tools/train.py', *arguments, '--work-dir', 'run']
    process = subprocess.Popen(
        list(map(str, command)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        # A suite that runs in the background of a shell inherits that Ctrl-C is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    output = b''
    for line in process.stdout:
        output += line
        if b'Epoch(train) [2][1/3]' in line:
            process.send_signal(signal.SIGINT)
            break
    output += process.stdout.read()
    assert process.wait(60) == 130, output[-2000:]
    assert output.rstrip().endswith(b'train.py: interrupted')
    run = tmp_path / 'run'
    assert (run / 'epoch_1.pth').exists() and not (run / 'epoch_2.pth').exists()
    before = set(run.glob('*/*.log'))
    assert run_tool('train.py', *arguments, '--work-dir', 'run', '--resume') == 0
    (log,) = set(run.glob('*/*.log')) - before
    assert (
        'Resumed at epoch 1 of 2' in log.read_text() and 'Epoch(train) [1]' not in log.read_text()
    )
    assert load_checkpoint_file(str(run / 'epoch_2.pth'))['meta']['epoch'] == 2


def train_rank(rank, port, arguments):
    """Train as one of the two processes that torchrun starts."""
    os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE='2')
    os.environ.update(MASTER_ADDR='localhost', MASTER_PORT=str(port))
    assert run_tool('train.py', *arguments) == 0


def test_two_processes_train(tmp_path, ntu_file):
    options = options_of(ntu_file, csre=True, **{'train_cfg.max_epochs': 1})
    arguments = [config('csre_ctrgcn_ntu60'), '--launcher', 'pytorch', '--work-dir', tmp_path]
    with socket.create_server(('localhost', 0)) as server:
        port = server.getsockname()[1]
    arguments = (port, [*arguments, '--cfg-options', *options])
    mp.start_processes(train_rank, arguments, nprocs=2, start_method='forkserver')
    state = weights(tmp_path / 'epoch_1.pth')
    # Each rank saw half of the samples, and SyncBuffersHook averaged the buffers of the ranks.
    for name in ('spatial', 'temporal'):
        assert state[f'neck.loss_{name}.bank.labels'].tolist() == [0, 1, 2] * 8
        lengths = state[f'neck.loss_{name}.bank.features'].norm(dim=1)
        torch.testing.assert_close(lengths, torch.ones(24))


def test_bad_input_of_testing_is_one_line(capsys, tmp_path, trained, ntu_file):
    checkpoint = trained['csre_ctrgcn_ntu60'] / 'epoch_2.pth'
    (tmp_path / 'broken.pth').write_bytes(checkpoint.read_bytes()[:5000])
    cases = [
        (tmp_path / 'none.pth', [], [], 'no such checkpoint'),
        (tmp_path / 'broken.pth', [], [], 'cannot be read as a checkpoint'),
        (checkpoint, ['--dump', 'a.json'], [], 'the name must end in .pkl'),
        (checkpoint, [], ['test_dataloader.dataset.split=a'], "no split 'a'"),
        (checkpoint, [], ['model.cls_head.num_classes=3'], 'num_classes was 60 in training'),
        (checkpoint, [], ['model.cls_head.in_channels=3'], 'checkpoint of another model'),
        (checkpoint, [], ['model.backbone.num_stages=2'], 'are not of it (such as backbone.blocks'),
    ]
    for number, (path, flags, extra, message) in enumerate(cases):
        options = options_of(ntu_file, csre=True, experiment_name=f'test{number}{time.time()}')
        arguments = [config('csre_ctrgcn_ntu60'), path, '--work-dir', tmp_path, *flags]
        status = run_tool('test.py', *arguments, '--cfg-options', *options, *extra)
        error = capsys.readouterr().err.strip().splitlines()[-1]
        assert status == 2 and error.startswith('test.py: error: ') and message in error
