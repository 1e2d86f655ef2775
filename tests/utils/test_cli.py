import subprocess
import sys

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
