import runpy
import sys

import pytest

from synthetic.faults import FAULTS, PERFORMER, fault_files, write_faults
from tests.conftest import ROOT


def test_files_depend_on_the_seed_alone(tmp_path):
    names = write_faults(tmp_path, 1)
    assert len(names) == len(set(names)) == len(FAULTS)
    for name, text, _ in fault_files(1):
        assert (tmp_path / name).read_bytes() == text.encode('ascii')
    assert [text for _, text, _ in fault_files(1)] != [text for _, text, _ in fault_files(2)]


@pytest.fixture
def run(monkeypatch, capfd):
    def run(*arguments):
        tool = str(ROOT / 'tools/data/make_synthetic.py')
        monkeypatch.setattr(sys, 'argv', [tool, *map(str, arguments)])
        code = 0
        try:
            runpy.run_path(tool, run_name='__main__')
        except SystemExit as error:
            code = error.code
        return code, *capfd.readouterr()

    return run


def test_the_command_adds_them(tmp_path, run):
    choice = ['--subjects', 1, '--cameras', 1, '--replications', 1, '--workers', 1]
    assert run(tmp_path / 'a', *choice)[0] == 0
    code, out, _ = run(tmp_path / 'b', *choice, '--faults')
    assert code == 0
    assert f'{len(FAULTS)} files with a fault each' in out
    good, all_ = ({path.name for path in (tmp_path / name).iterdir()} for name in 'ab')
    assert all_ - good == {name for name, _, _ in fault_files(0)}


def test_the_command_refuses_their_performer(tmp_path, run):
    code, _, error = run(tmp_path / 'a', '--faults', '--subjects', PERFORMER)
    assert code == 2
    assert error.endswith('--subjects names 106, whom --faults needs\n')
    assert not (tmp_path / 'a').exists()
