"""Working folders: of runs that are copied, killed, resumed elsewhere, or trained in twice."""

import errno
import logging
import multiprocessing
import os
import shutil

import pytest
from mmengine.hooks import LoggerHook
from mmengine.runner import EpochBasedTrainLoop, ValLoop
from mmengine.visualization import LocalVisBackend

from csre_mm.apis.runner import run
from csre_mm.engine import ResumableCheckpointHook
from csre_mm.utils.checkpoints import load_checkpoint_file, newest_checkpoint
from csre_mm.utils.errors import InputError
from csre_mm.utils.work_dir import held
from tests.commands import run_tool
from tests.conftest import config
from tests.runs import make_runner


def hold(folder, connection):
    """Hold a folder until the process is killed."""
    with held(folder):
        connection.send('held')
        connection.recv()


class Killed(BaseException):
    """Ends a run at once."""


def make(ann_file, folder, epochs=1, **options):
    options = {'train_dataloader.dataset.indices': 16, 'train_cfg.max_epochs': epochs, **options}
    options['model.cls_head.num_classes'] = 3  # some answers are right
    return make_runner('csre_ctrgcn_ntu60', ann_file, folder, **options)


def files_of(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob('*') if p.is_file()}


def logs_of(folder):
    return [path.read_text() for path in sorted(folder.glob('*/*.log'))]


@pytest.fixture(scope='module')
def trained(tmp_path_factory, ntu_file):
    """The folder of a run of one epoch."""
    folder = tmp_path_factory.mktemp('trained') / 'run'
    make(ntu_file, folder).train()
    return folder


def test_resumed_elsewhere_the_first_folder_stays(tmp_path, ntu_file, trained):
    before = files_of(trained)
    best = trained / 'best_acc_top1_epoch_1.pth'
    assert best.is_file()
    options = {'resume': True, 'load_from': str(trained / 'epoch_1.pth')}
    options['custom_hooks.0.keep'] = 'last'
    make(ntu_file, tmp_path / 'b', epochs=2, **options).train()
    assert files_of(trained) == before
    assert len(list((tmp_path / 'b').glob('best_*'))) == 1
    info = load_checkpoint_file(str(tmp_path / 'b/epoch_2.pth'))['message_hub']['runtime_info']
    assert info['best_ckpt'] == str(tmp_path / 'b/best_acc_top1_epoch_2.pth')
    assert 'is not in this folder: the best is found anew' in logs_of(tmp_path / 'b')[0]


def test_a_copied_folder_is_resumed_by_itself(tmp_path, ntu_file, trained):
    before = files_of(trained)
    copy = tmp_path / 'copy'
    shutil.copytree(trained, copy)
    assert newest_checkpoint(copy) == copy / 'epoch_1.pth'
    options = {'resume': True, 'load_from': str(copy / 'epoch_1.pth')}
    options['custom_hooks.0.keep'] = 'last'
    options['default_hooks.checkpoint.max_keep_ckpts'] = 1
    make(ntu_file, copy, epochs=2, **options).train()
    assert files_of(trained) == before
    assert len(list(copy.glob('best_*'))) == 1 and not (copy / 'epoch_1.pth').exists()


def die(*args, **kwargs):
    raise Killed


@pytest.mark.parametrize('moment', ['before the validation', 'after the best'])
def test_killed_between_the_writes_of_an_epoch(tmp_path, monkeypatch, ntu_file, trained, moment):
    if moment == 'before the validation':
        monkeypatch.setattr(ValLoop, 'run', die)
    else:
        save = ResumableCheckpointHook._save_best_checkpoint

        def save_and_die(hook, runner, metrics):
            monkeypatch.setattr(hook, '_save_checkpoint_with_step', die)
            save(hook, runner, metrics)

        monkeypatch.setattr(ResumableCheckpointHook, '_save_best_checkpoint', save_and_die)
    with pytest.raises(Killed):
        make(ntu_file, tmp_path).train()
    monkeypatch.undo()
    for _ in range(2):  # the second resume has nothing to make up for
        make(ntu_file, tmp_path, resume=True).train()
    assert [path.name for path in tmp_path.glob('best_*')] == ['best_acc_top1_epoch_1.pth']
    found, expected = (
        load_checkpoint_file(str(folder / 'epoch_1.pth'))['message_hub']['runtime_info']
        for folder in (tmp_path, trained)
    )
    assert found['last_validation'] == 1 and found['best_score'] == expected['best_score'] > 0
    logs = ''.join(logs_of(tmp_path))
    assert logs.count('validating now') == 1 and 'last_validation:' not in logs


def test_one_training_at_a_time(tmp_path, capsys):
    context = multiprocessing.get_context('forkserver')
    here, there = context.Pipe()
    process = context.Process(target=hold, args=(tmp_path, there), daemon=True)
    process.start()
    assert here.recv() == 'held'
    left = tmp_path / '.csre_mm.best_acc_top1_epoch_1.a8_z0b1c.pth'
    left.write_bytes(b'half')
    (tmp_path / '.mine.pth').touch()
    message = f'process {process.pid} on .* is training in this folder'
    with pytest.raises(InputError, match=message), held(tmp_path):
        pass
    arguments = [config('ctrgcn_ntu60'), '--work-dir', tmp_path]
    assert run_tool('train.py', *arguments) == 2 and left.exists()
    assert 'is training in this folder: wait for it' in capsys.readouterr().err
    process.kill()
    process.join(60)
    with held(tmp_path):
        assert {path.name for path in tmp_path.iterdir()} == {'.lock', '.mine.pth'}


def test_an_epoch_has_log_lines_and_the_terminal_no_config(tmp_path, monkeypatch, capsys, ntu_file):
    monkeypatch.setattr(EpochBasedTrainLoop, 'run', lambda loop: loop.runner.model)
    options = {'train_dataloader.batch_size': 1, 'default_hooks.logger.interval': 100}
    runner = make(ntu_file, tmp_path, **options)
    runner.train()
    (hook,) = [hook for hook in runner.hooks if isinstance(hook, LoggerHook)]
    assert hook.interval == 4  # of 16
    (log,), terminal = logs_of(tmp_path), capsys.readouterr().out
    for words in ('Config:', 'Hooks will be executed', 'System environment'):
        assert words in log and words not in terminal
    assert len(terminal.splitlines()) < 40
    assert f'Config and environment are in {next(tmp_path.glob("*/*.log"))}.' in terminal


FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_has_a_name_where_mmengine_writes(tmp_path, monkeypatch, ntu_file):
    def fail(*args, **kwargs):
        raise FULL

    monkeypatch.setattr(LocalVisBackend, '_dump', fail)
    with pytest.raises(OSError, match='No space left') as caught:
        run(make(ntu_file, tmp_path / 'a'), 'train')
    assert caught.value.filename == str(tmp_path / 'a')


@pytest.mark.skipif(not os.path.exists('/dev/full'), reason='no full device')
def test_a_full_disk_under_the_log(tmp_path, ntu_file, capfd):
    runner = make(ntu_file, tmp_path)
    file = next(h for h in runner.logger.handlers if isinstance(h, logging.FileHandler))
    file.stream.close()
    file.stream = open('/dev/full', 'w')  # noqa: SIM115  of the handler
    with pytest.raises(OSError, match='No space') as caught:
        run(runner, 'train')
    with pytest.raises(OSError):
        file.stream.close()  # which flushes
    file.stream = None
    assert caught.value.filename == file.baseFilename and file.baseFilename.endswith('.log')
    assert 'Logging error' not in capfd.readouterr().err


def test_banks_stay_in_the_resumed_checkpoint_until_another_is_saved(
    tmp_path, monkeypatch, ntu_file, trained
):
    copy = tmp_path / 'copy'
    shutil.copytree(trained, copy)
    shutil.copy(copy / 'epoch_1.pth', copy / 'epoch_3.pth')  # of an earlier, longer run
    (copy / 'last_checkpoint').write_text(str(copy / 'epoch_3.pth'))
    monkeypatch.setattr(EpochBasedTrainLoop, 'run_iter', die)
    options = {'resume': True, 'load_from': str(copy / 'epoch_1.pth')}
    options['custom_hooks.0.keep'] = 'last'
    with pytest.raises(Killed):
        make(ntu_file, copy, epochs=4, **options).train()
    state = load_checkpoint_file(str(copy / 'epoch_1.pth'))['state_dict']
    assert 'neck.loss_spatial.bank.features' in state
