"""The command is interrupted or killed while it works."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from csre_mm.datasets.preparation.ntu.convert import FILES_PER_CALL
from tests.conftest import ROOT
from tests.ntu_files import simple

TOOL = ROOT / 'tools/data/prepare_ntu.py'
NUM_FILES = 18 * FILES_PER_CALL


@pytest.fixture(scope='module')
def raw(tmp_path_factory):
    """Many names of one recording: enough work for some seconds, without the bytes."""
    folder = tmp_path_factory.mktemp('signals') / 'raw'
    folder.mkdir()
    first = folder / 'S001C001P001R001A001.skeleton'
    first.write_bytes(simple(40))
    for index in range(1, NUM_FILES):
        setup, action = index // 60 % 17 + 1, index % 60 + 1
        name = f'S{setup:03}C{index // 1020 + 1:03}P001R001A{action:03}.skeleton'
        os.link(first, folder / name)
    return folder


def start(raw, out):
    return subprocess.Popen(
        [sys.executable, TOOL, raw, out, '--dataset', 'ntu60', '--workers', '2'],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A process in the background of a shell ignores Ctrl-C, and so do its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        start_new_session=True,
    )


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, 'nothing happened'
        time.sleep(0.01)


def processes_with(text):
    found = []
    for path in Path('/proc').glob('[0-9]*/cmdline'):
        try:
            if text in path.read_text():
                found.append(path.parent.name)
        except OSError:
            pass
    return found


@pytest.mark.skipif(not Path('/proc/self').exists(), reason='looks processes up in /proc')
def test_interrupted_and_killed_runs_leave_nothing(raw, tmp_path):
    out = tmp_path / 'data.pkl'
    out.write_bytes(b'good')

    # Ctrl-C goes to all processes of the terminal.
    process = start(raw, out)
    wait_for(lambda: len(processes_with(str(out))) >= 3)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert err.splitlines()[-1] == 'prepare_ntu.py: interrupted'
    assert not processes_with(str(out))

    # A killed parent takes its workers along.
    process = start(raw, out)
    wait_for(lambda: len(processes_with(str(out))) >= 3)
    process.kill()
    process.communicate(timeout=60)
    wait_for(lambda: not processes_with(str(out)), 20)
    assert out.read_bytes() == b'good'
    assert [path.name for path in tmp_path.iterdir()] == ['data.pkl']
