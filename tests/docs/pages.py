"""Following a page of the documentation as a reader would."""

import os
import re
import shlex
from pathlib import Path

from tests.commands import run_script

BLOCK = re.compile(r'^```(\w*)\n(.*?)^```$', re.MULTILINE | re.DOTALL)
NAME = re.compile(r'# (\w+\.py)\n')


def blocks(page):
    """Kind and text of each block of a page."""
    return BLOCK.findall(page.read_text())


def commands(script):
    """The commands of a bash block; continued lines are joined."""
    return [shlex.split(line) for line in script.replace('\\\n', ' ').splitlines() if line]


def run(command, monkeypatch, capsys):
    """Run a command in this process, where PyTorch is imported already."""
    if command[0].startswith('PYTHONPATH='):
        monkeypatch.syspath_prepend(os.path.abspath(command[0].partition('=')[2]))
        command = command[1:]
    assert command[0] == 'python'
    capsys.readouterr()
    status = run_script(*command[1:])
    captured = capsys.readouterr()
    assert status == 0, (command, captured.err[-2000:])
    return captured.out


def follow(page, monkeypatch, capsys):
    """Save each file, run each command, and compare what it prints with what the page says."""
    printed = ''
    for kind, text in blocks(page):
        if kind == 'python':
            Path(NAME.match(text)[1]).write_text(text)
        elif kind == 'bash':
            for command in commands(text):
                printed = run(command, monkeypatch, capsys)
        else:
            assert set(text.splitlines()) <= set(printed.splitlines())
