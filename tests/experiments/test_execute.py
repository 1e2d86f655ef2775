import contextlib
import errno
import json
import multiprocessing
import os
import signal
import sys
import time

import pytest

from csre_mm.experiments import execute
from csre_mm.experiments.execute import Executor
from csre_mm.experiments.plan import plan_runs
from csre_mm.experiments.record import find_checkpoint, is_finished, read_record
from csre_mm.utils.cli import command
from csre_mm.utils.errors import InputError
from tests.experiments.plans import request_of, write_tools


@pytest.fixture
def lines(monkeypatch, tmp_path):
    monkeypatch.setattr(execute, 'ROOT', write_tools(tmp_path / 'project'))
    monkeypatch.delenv('OMP_NUM_THREADS', raising=False)
    monkeypatch.setattr(execute, 'num_cores', lambda: 6)
    return []


def test_carries_out_what_is_not_finished(lines, tmp_path):
    runs = plan_runs(**request_of(tmp_path / 'runs', seeds=[0, 1]))
    executor = Executor(2, ['4', '5'], False, lines.append)
    executor(runs)
    assert not executor.failed and all(is_finished(run, False) for run in runs)
    assert lines[0] == '4 runs, 0 of them finished before'
    assert sorted(line.split()[0] for line in lines[1:]) == ['begins'] * 4 + ['ends'] * 4
    for run in runs:
        output = (run.folder / 'output.log').read_text()
        assert 'threads 3 gpu ' in output
        assert 'gpu 4' in output or 'gpu 5' in output
        record = read_record(run.folder)
        assert len(record['attempts']) == 1 and record['attempts'][0]['seconds'] is not None
        assert record['attempts'][0]['jobs'] == 2
        assert find_checkpoint(run.folder, 'last')[1] == 3
        assert find_checkpoint(run.folder, 'best')[1] == 3 - run.experiment.seed
    # The best epoch of seed 0 is the last: its scores are not worked out again.
    first, second = runs[0].folder, runs[2].folder
    assert (first / 'best.pkl').read_bytes() == (first / 'last.pkl').read_bytes()
    assert (second / 'best.pkl').read_bytes() != (second / 'last.pkl').read_bytes()
    assert (first / 'output.log').read_text().count('tests') == 1
    lines.clear()
    executor(runs)
    assert lines == ['4 runs, 4 of them finished before']


def test_a_failure_leaves_the_others_alone_and_is_tried_again(lines, tmp_path):
    runs = plan_runs(**request_of(tmp_path / 'runs'))
    mark = runs[0].folder.parent / 'break'
    mark.parent.mkdir(parents=True)
    mark.touch()
    executor = Executor(1, [], False, lines.append)
    executor(runs)
    assert executor.failed == [runs[0]]
    assert is_finished(runs[1], False) and not is_finished(runs[0], False)
    assert any('train.py ended with status 1, see ' in line for line in lines)
    assert 'broken' in (runs[0].folder / 'output.log').read_text()
    mark.unlink()
    executor = Executor(1, [], False, lines.append)
    executor(runs)
    assert not executor.failed and len(read_record(runs[0].folder)['attempts']) == 2


@pytest.mark.parametrize(
    'change, message',
    [
        (dict(epochs=7), r'has a run of other settings: options .*train_cfg\.max_epochs=7'),
        (dict(options={'train_dataloader.batch_size': 8}), 'batch_size=8; give another --work-d'),
    ],
)
def test_a_folder_with_other_settings_is_refused(change, message, lines, tmp_path):
    request = request_of(tmp_path / 'runs')
    Executor(1, [], False, lines.append)(plan_runs(**request))
    with pytest.raises(InputError, match=message):
        Executor(1, [], False, lines.append)(plan_runs(**request, **change))
    with pytest.raises(InputError, match='amp False, not True'):
        Executor(1, [], True, lines.append)(plan_runs(**request))


def test_a_config_that_was_changed_since_is_noticed(lines, tmp_path):
    def write(weight):
        (tmp_path / 'toy.py').write_text('a = 1\n')
        (tmp_path / 'csre_toy.py').write_text(
            f'model = dict(neck=dict(loss=dict(loss_weight={weight})))\n'
        )

    def plan():
        return [
            run._replace(config=tmp_path / 'csre_toy.py')
            for run in plan_runs(**request_of(tmp_path / 'runs'))
        ]

    write(1.0)
    Executor(1, [], False, lines.append)(plan())
    write(0.1)
    with pytest.raises(InputError, match=r'other settings: settings .* not '):
        Executor(1, [], False, lines.append)(plan())


def test_a_damaged_record(tmp_path):
    (tmp_path / 'run.json').write_text('{"att')
    with pytest.raises(InputError, match=r'run\.json is no JSON, or damaged'):
        read_record(tmp_path)
    (tmp_path / 'run.json').write_text('[]')
    with pytest.raises(InputError, match=r'run\.json is no record of a run'):
        read_record(tmp_path)


def carry_out(folder):
    """What a command does that is given a plan."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # and one of nohup ignores this
    execute.ROOT, sys.argv[:] = folder / 'project', ['runs.py']

    @command
    def main():
        execute.Executor(2, [], False, print)(plan_runs(**request_of(folder / 'runs')))

    with open(folder / 'errors', 'w') as file, contextlib.redirect_stderr(file):
        main()


def start(folder, runs):
    """A process that carries out a plan, once each of some runs has begun."""
    context = multiprocessing.get_context('forkserver')
    process = context.Process(target=carry_out, args=(folder,), daemon=True)
    process.start()
    wait_for(lambda: all((run.folder / 'started').exists() for run in runs), process.is_alive)
    return process


def wait_for(condition, possible=lambda: True):
    end = time.monotonic() + 60
    while not condition():
        assert possible() and time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize(
    'number, status, message',
    [(signal.SIGINT, 130, 'runs.py: interrupted'), (signal.SIGTERM, 143, '')],
    ids=['SIGINT', 'SIGTERM'],
)
def test_a_signal_ends_the_runs_and_they_are_resumed(number, status, message, lines, tmp_path):
    runs = plan_runs(**request_of(tmp_path / 'runs'))
    marks = [run.folder.parent / 'hang' for run in runs]
    for run, mark in zip(runs, marks, strict=True):
        run.folder.mkdir(parents=True)
        mark.touch()
        (run.folder / 'epoch_1.pth').touch()
    process = start(tmp_path, runs)
    os.kill(process.pid, number)
    process.join(60)
    assert process.exitcode == status and (tmp_path / 'errors').read_text().strip() == message
    for run, mark in zip(runs, marks, strict=True):
        record = json.loads((run.folder / 'run.json').read_text())
        assert record['attempts'][0]['seconds'] is not None and 'finished' not in record
        assert not (run.folder / 'epoch_2.pth').exists()
        mark.unlink()
    Executor(2, [], False, lines.append)(runs)
    for run in runs:
        assert 'starts after epoch 1' in (run.folder / 'output.log').read_text()
        assert read_record(run.folder)['finished']


def test_a_run_whose_process_outlived_its_command_is_left_alone(lines, tmp_path):
    runs = plan_runs(**request_of(tmp_path / 'runs'))[:1]
    folder = runs[0].folder
    folder.mkdir(parents=True)
    mark = folder.parent / 'hang'
    mark.touch()
    process = start(tmp_path, runs)
    process.kill()  # nobody ends the training
    process.join(60)
    executor = Executor(1, [], False, lines.append)
    executor(runs)
    assert executor.failed == runs
    assert lines[-1].endswith('another process is working in this folder')
    mark.unlink()
    wait_for((folder / 'epoch_3.pth').exists)

    def finish():
        executor = Executor(1, [], False, lines.append)
        executor(runs)
        return not executor.failed

    wait_for(finish)  # until the training has ended
    assert is_finished(runs[0], False)
    record = read_record(folder)
    assert record['attempts'][0]['seconds'] is None


@pytest.mark.skipif(not hasattr(signal, 'SIGSTOP'), reason='Windows has no SIGSTOP')
@pytest.mark.parametrize('number', [signal.SIGTERM, getattr(signal, 'SIGHUP', 1)])
def test_runs_that_were_stopped_end_too(number, lines, tmp_path):
    runs = plan_runs(**request_of(tmp_path / 'runs'))
    for run in runs:
        run.folder.mkdir(parents=True)
        (run.folder.parent / 'hang').touch()
    process = start(tmp_path, runs)
    children = [int((run.folder / 'started').read_text()) for run in runs]
    for child in children:
        os.kill(child, signal.SIGSTOP)
    os.kill(process.pid, number)
    process.join(60)
    assert process.exitcode == 128 + number
    for child in children:
        with pytest.raises(ProcessLookupError):
            os.kill(child, 0)


def test_a_file_system_without_locks(lines, tmp_path, monkeypatch):
    def flock(*_):
        raise OSError(errno.ENOLCK, 'No locks available')

    monkeypatch.setattr(execute.fcntl, 'flock', flock)
    runs = plan_runs(**request_of(tmp_path / 'runs'))
    executor = Executor(1, [], False, lines.append)
    executor(runs)
    assert not executor.failed and all(is_finished(run, False) for run in runs)
