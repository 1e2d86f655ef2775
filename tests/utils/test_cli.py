import subprocess
import sys

import pytest

from csre_mm.utils.cli import command
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
    assert process.stderr.read() == ''
    assert process.wait() == 141


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
