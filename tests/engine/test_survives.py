"""A run that is killed and resumed ends where the uninterrupted one ends, bit for bit."""

import os
import signal
import subprocess
import sys

import pytest
import torch

from csre_mm.utils.checkpoints import load_checkpoint_file, newest_checkpoint
from csre_mm.utils.errors import InputError
from tests.commands import run_tool
from tests.conftest import ROOT, config, options_of
from tests.runs import make_runner

EPOCHS = 3


def state_of(path):
    return load_checkpoint_file(str(path))['state_dict']


def arguments_of(ann_file, work_dir):
    options = options_of(
        ann_file,
        csre=True,
        **{
            'train_cfg.max_epochs': EPOCHS,
            'train_dataloader.num_workers': 1,
            'train_dataloader.persistent_workers': True,
        },
    )
    arguments = (config('csre_ctrgcn_ntu60'), '--seed', 4, '--work-dir', work_dir)
    return (*arguments, '--cfg-options', *options)


@pytest.fixture(scope='module')
def uninterrupted(tmp_path_factory, ntu_file):
    folder = tmp_path_factory.mktemp('uninterrupted')
    assert run_tool('train.py', *arguments_of(ntu_file, folder)) == 0
    return state_of(folder / f'epoch_{EPOCHS}.pth')


@pytest.mark.parametrize('moment', [b'Epoch(train) [2][2/3]', b'Saving checkpoint at 2 epochs'])
def test_killed_and_resumed(tmp_path, ntu_file, uninterrupted, moment):
    arguments = arguments_of(ntu_file, tmp_path)
    process = subprocess.Popen(
        list(map(str, [sys.executable, '-u', ROOT / 'tools/train.py', *arguments])),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    for line in process.stdout:
        if moment in line:
            os.killpg(process.pid, signal.SIGKILL)
            break
    assert process.wait(60) == -signal.SIGKILL
    assert not (tmp_path / f'epoch_{EPOCHS}.pth').exists()

    killed = set(tmp_path.glob('*/*.log'))
    assert run_tool('train.py', '--resume', 'auto', *arguments) == 0
    (log,) = set(tmp_path.glob('*/*.log')) - killed
    assert 'Epoch(train) [1]' not in log.read_text()
    resumed = state_of(tmp_path / f'epoch_{EPOCHS}.pth')
    assert resumed.keys() == uninterrupted.keys()
    different = [key for key in resumed if not torch.equal(resumed[key], uninterrupted[key])]
    assert different == []


def test_newest_checkpoint(tmp_path):
    assert newest_checkpoint(tmp_path / 'nowhere') is None
    for name in ('epoch_9.pth', 'epoch_10.pth', 'best_acc_top1_epoch_11.pth'):
        (tmp_path / name).touch()
    assert newest_checkpoint(tmp_path).name == 'epoch_10.pth'
    pointer = tmp_path / 'last_checkpoint'
    pointer.write_bytes(b'\xff\x00')
    assert newest_checkpoint(tmp_path).name == 'epoch_10.pth'
    pointer.write_text('')
    assert newest_checkpoint(tmp_path).name == 'epoch_10.pth'
    pointer.write_text(str(tmp_path / 'epoch_9.pth'))
    assert newest_checkpoint(tmp_path).name == 'epoch_9.pth'


def test_a_checkpoint_appears_whole_or_not_at_all(tmp_path):
    from mmengine.fileio import LocalBackend

    path = tmp_path / 'a.pth'
    path.write_bytes(b'old')
    with pytest.raises(TypeError):
        LocalBackend().put('no bytes', path)
    assert path.read_bytes() == b'old' and list(tmp_path.iterdir()) == [path]
    LocalBackend().put(b'new', path)
    assert path.read_bytes() == b'new'


def test_banks_in_half_precision_and_in_the_last_checkpoint_alone(ntu_file, tmp_path):
    options = {'model.neck.loss.bank_dtype': 'float16', 'custom_hooks.0.keep': 'last'}
    runner = make_runner('csre_ctrgcn_ntu60', ntu_file, tmp_path, **options)
    runner.train()
    key = 'neck.loss_spatial.bank.features'
    assert state_of(tmp_path / 'epoch_2.pth')[key].dtype == torch.float16
    others = [path for path in tmp_path.glob('*.pth') if path.name != 'epoch_2.pth']
    assert {path.name.split('_')[0] for path in others} == {'epoch', 'best'}
    for path in others:
        state = state_of(path)
        assert key not in state and 'neck.stfd.spatial.project.weight' in state

    options['load_from'], options['resume'] = str(tmp_path / 'epoch_1.pth'), True
    resumed = make_runner('csre_ctrgcn_ntu60', ntu_file, tmp_path / 'b', **options)
    with pytest.raises(InputError, match=f'cannot be resumed with CSRE: it lacks {key}'):
        resumed.train()


@pytest.mark.parametrize('width', [256, 128])
def test_another_feature_width(ntu_file, tmp_path, width):
    make_runner('csre_ctrgcn_ntu60', ntu_file, tmp_path, **{'train_cfg.max_epochs': 1}).train()
    options = {'model.neck.feat_dim': width, 'resume': True}
    runner = make_runner('csre_ctrgcn_ntu60', ntu_file, tmp_path, **options)
    if width == 256:
        runner.train()
        return
    with pytest.raises(InputError, match=r'stfd\.\S+ is \(256, 100\), the model has \(128, 100\)'):
        runner.train()
