"""The command is interrupted or killed while it works, and started again."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from csre_mm.datasets.preparation.ntu.convert import FILES_PER_PART
from tests.conftest import ROOT
from tests.ntu_files import simple

TOOL = ROOT / 'tools/data/prepare_ntu.py'
NUM_FILES = 18 * FILES_PER_PART


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


def parts(out):
    return list(Path(f'{out}.parts').glob('[!.]*.part'))


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
def test_interrupted_and_killed_runs_are_taken_up(raw, tmp_path):
    out = tmp_path / 'data.pkl'

    # Ctrl-C goes to all processes of the terminal.
    process = start(raw, out)
    wait_for(lambda: len(parts(out)) >= 2)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert err.splitlines()[-1] == 'prepare_ntu.py: interrupted'
    assert not processes_with(str(out))
    after_interrupt = len(parts(out))
    assert 2 <= after_interrupt < NUM_FILES // FILES_PER_PART

    # A killed parent takes its workers along.
    process = start(raw, out)
    wait_for(lambda: len(parts(out)) > after_interrupt)
    process.kill()
    process.communicate(timeout=60)
    wait_for(lambda: not processes_with(str(out)), 20)
    assert not out.exists()
    num_parts = len(parts(out))
    parts(out)[0].write_bytes(b'damaged')

    process = start(raw, out)
    printed, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert f'{FILES_PER_PART * (num_parts - 1):,} files were converted by an earlier run' in printed
    assert sorted(path.name for path in tmp_path.iterdir()) == ['data.pkl', 'data.report.json']
    report = json.loads((tmp_path / 'data.report.json').read_text())
    assert report['files']['samples']['here'] == NUM_FILES
