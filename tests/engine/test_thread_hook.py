import os
import time

import pytest
import torch

from csre_mm.apis import build_runner
from csre_mm.engine import ThreadHook
from csre_mm.engine.hooks import thread_hook
from csre_mm.utils.machine import OtherLoad
from tests.runs import make_runner, small_config


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_load_of_other_processes(tmp_path, monkeypatch):
    """Over 10 seconds the cores were busy for 12 and this process for 4: others kept 0.8 busy."""
    monkeypatch.setattr(os, 'sched_getaffinity', lambda _: {0, 2}, raising=False)
    tick = 1 / os.sysconf('SC_CLK_TCK')
    clock = iter([100.0, 110.0])
    monkeypatch.setattr(time, 'monotonic', lambda: next(clock))
    own = iter([1.0, 5.0])
    monkeypatch.setattr(os, 'times', lambda: os.times_result((next(own), 0, 0, 0, 0)))
    stat = tmp_path / 'stat'

    def write(seconds):
        ticks = int(seconds / 2 / tick)  # half of it as user, half as interrupts
        rows = [f'cpu{core} {ticks} 0 0 99 99 {ticks} 0 0' for core in (0, 2)]
        stat.write_text('\n'.join(['cpu 9 9 9 9 9 9 9', 'cpu1 9999999 0 0 0 0 0 0', *rows]))

    write(0)
    load = OtherLoad(stat)
    write(6)
    assert load() == pytest.approx(0.8, abs=0.01)
    monkeypatch.undo()
    assert OtherLoad(tmp_path / 'none')() == 0


def test_threads_follow_the_load(ntu_file, tmp_path, monkeypatch, threads):
    monkeypatch.setattr(thread_hook, 'num_cores', lambda: 4)
    runner = make_runner('hcn_ntu60', ntu_file, tmp_path)
    loads, seen = iter([0.1, 1.9, 3.2, 9.0, 0.0, 0.0, 0.0]), []
    hook = ThreadHook(interval=0)
    hook.other_load = lambda: next(loads)
    hook.before_train(runner)
    seen.append(torch.get_num_threads())
    for _ in range(4):
        hook.after_train_iter(runner)
        seen.append(torch.get_num_threads())
    assert seen == [4, 2, 1, 1, 4]
    hook.interval = 1e9
    hook.after_train_iter(runner)  # measures once more
    hook.other_load = None
    hook.after_train_iter(runner)  # and not again within the interval


@pytest.mark.parametrize('fixed', ['nothing', 'variable', 'deterministic'])
def test_a_given_number_of_threads_stays(ntu_file, tmp_path, monkeypatch, fixed):
    monkeypatch.delenv('OMP_NUM_THREADS', raising=False)
    if fixed == 'variable':
        monkeypatch.setenv('OMP_NUM_THREADS', '2')
    cfg = small_config('hcn_ntu60', ntu_file, tmp_path)
    cfg.randomness.deterministic = fixed == 'deterministic'
    hooks = [type(hook) for hook in build_runner(cfg).hooks]
    assert (ThreadHook in hooks) == (fixed == 'nothing')
