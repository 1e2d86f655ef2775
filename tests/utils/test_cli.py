import ast
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from csre_mm.engine.runner import _without_interrupt
from csre_mm.utils.cli import command, name_files
from csre_mm.utils.errors import CONTROL, InputError
from csre_mm.utils.tables import format_table
from tests.conftest import ROOT

LONG = """
from csre_mm.utils.cli import command

@command
def main():
    for number in range(100_000):
        print(number)

main()
"""


def test_a_closed_pipe_is_no_error():
    process = subprocess.Popen(
        [sys.executable, '-c', LONG],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        text=True,
    )
    assert process.stdout.readline() == '0\n'
    process.stdout.close()
    errors = process.stderr.read()  # torch 2.4 prints a warning about functional optimizers
    assert 'Broken pipe' not in errors and 'Traceback' not in errors
    assert process.wait() == 141


@pytest.mark.skipif(not os.path.exists('/dev/full'), reason='there is no /dev/full here')
@pytest.mark.parametrize('argument', ['list', '--help'])
def test_a_full_disk_is_one_line(argument):
    code = f'import sys, csre_mm_cli; sys.argv[1:] = ["{argument}"]; csre_mm_cli.main()'
    with open('/dev/full', 'w') as full:
        process = subprocess.run(
            [sys.executable, '-c', code], stdout=full, stderr=subprocess.PIPE, cwd=ROOT, text=True
        )
    assert process.returncode == 2
    assert process.stderr == 'csre-mm: error: No space left on device: the standard output\n'


HOSTILE = 'a\x1b]0;title\x07\u202eb\udcff'


def test_no_control_character_reaches_the_terminal(capsys, monkeypatch):
    @command
    def main():
        raise InputError(f'{HOSTILE}: no such file')

    with pytest.raises(SystemExit):
        main()
    table = format_table([HOSTILE, '参考　ñ'], [[HOSTILE, '1']])
    for text in (capsys.readouterr().err, table):
        assert not CONTROL.search(text.replace('\n', ''))
        assert r'a\x1b]0;title\x07\u202eb\udcff' in text
    assert '参考　ñ' in table


SLOW = "import time; print('importing', flush=True); time.sleep(60)"
CSRE_MM = "import sys; sys.argv[:] = ['csre-mm', 'train']; import csre_mm_cli; csre_mm_cli.main()"


@pytest.mark.parametrize(
    'arguments, name',
    [([str(ROOT / 'tools/train.py')], 'train.py'), (['-c', CSRE_MM], 'csre-mm train')],
)
def test_an_interrupt_during_the_imports_is_one_line(tmp_path, arguments, name):
    (tmp_path / 'mmengine').mkdir()
    (tmp_path / 'mmengine/__init__.py').write_text(SLOW)
    process = subprocess.Popen(
        [sys.executable, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, 'PYTHONPATH': f'{tmp_path}{os.pathsep}{ROOT}'},
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout.readline() == 'importing\n'
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60)[1] == f'\n{name}: interrupted\n'
    assert process.returncode == 130


@pytest.mark.parametrize(
    'script, config, message',
    [
        (
            'train',
            'configs/hcn_ntu61.py',
            'train.py: error: no such config: configs/hcn_ntu61.py, ',
        ),
        ('benchmark_runs', 'hcn_ntu61', 'benchmark_runs.py: error: no such config: hcn_ntu61, '),
        ('train', '/', 'train.py: error: no such config: /'),
        ('train', '../setup', 'train.py: error: no such config: ../setup'),
        ('train', 'x' * 300, 'train.py: error: no such config: xxx'),
        ('analysis/cost', 'bad.py', 'cost.py: error: bad.py cannot be read as a config: SyntaxErr'),
    ],
)
def test_a_wrong_config_of_a_script_is_told_before_the_imports(tmp_path, script, config, message):
    (tmp_path / 'mmengine').mkdir()
    (tmp_path / 'mmengine/__init__.py').write_text("print('importing')")
    (tmp_path / 'bad.py').write_text('model = dict(')
    result = subprocess.run(
        [sys.executable, str(ROOT / f'tools/{script}.py'), config],
        env={**os.environ, 'PYTHONPATH': f'{tmp_path}{os.pathsep}{ROOT}'},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 2 and result.stdout == ''
    assert result.stderr.startswith(message) and len(result.stderr.splitlines()) == 1


def test_every_script_expects_an_interrupt_first():
    scripts = [p for p in (ROOT / 'tools').rglob('*.py') if '__main__' in p.read_text()]
    assert len(scripts) > 20
    for script in scripts:
        first = ast.parse(script.read_text()).body[1]
        assert isinstance(first, ast.Import) and first.names[0].name == 'csre_mm_cli', script


def test_an_interrupt_that_became_another_error_is_one_line(capsys):
    """torch raises an error about its file when the write of a checkpoint is interrupted."""

    @command
    def main():
        try:
            raise KeyboardInterrupt
        finally:
            raise RuntimeError('unexpected pos 64 vs 0')

    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 130 and capsys.readouterr().err.endswith(': interrupted\n')


def test_an_interrupt_waits_until_the_workers_are_started():
    done = []

    def start():
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)  # another thread may be late
        done.append(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []))

    with pytest.raises(KeyboardInterrupt):
        _without_interrupt(start)
    assert done == [True] and signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


def test_a_path_with_an_equals_sign_is_no_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert name_files(['lr/a=0.1/s.pkl'], 'file') == {'s': 'lr/a=0.1/s.pkl'}
    Path('a=1.pkl').touch()
    assert name_files(['a=1.pkl', 'b=2.pkl'], 'file') == {'a=1': 'a=1.pkl', 'b': '2.pkl'}
