import errno
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from csre_mm.utils import files
from csre_mm.utils.errors import InputError
from csre_mm.utils.files import atomic_path, load_json, read_text
from tests.conftest import ROOT


def write(path, text='new'):
    with atomic_path(path) as temporary:
        temporary.write_text(text)


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def test_permissions_of_a_file_are_kept_and_a_new_one_follows_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        write(tmp_path / 'new.txt')
    finally:
        os.umask(before)
    assert mode(tmp_path / 'new.txt') == 0o640
    (tmp_path / 'new.txt').chmod(0o600)
    write(tmp_path / 'new.txt')
    assert mode(tmp_path / 'new.txt') == 0o600


def test_a_symbolic_link_stays_one(tmp_path):
    (tmp_path / 'disk').mkdir()
    (tmp_path / 'link.txt').symlink_to('disk/file.txt')
    for text in ('first', 'second'):  # to nothing, and to a file
        write(tmp_path / 'link.txt', text)
        assert (tmp_path / 'link.txt').is_symlink()
        assert (tmp_path / 'disk/file.txt').read_text() == text
    assert [path.name for path in (tmp_path / 'disk').iterdir()] == ['file.txt']


WRITER = """
import sys
from csre_mm.utils.files import atomic_path
with atomic_path(sys.argv[1]) as path:
    path.write_text('half')
    print(path, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def writer():
    """Starts processes that stop in the middle of a file."""
    started = []

    def start(target):
        pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        command = [sys.executable, '-c', WRITER, str(target)]
        started.append(subprocess.Popen(command, cwd=ROOT, **pipes))
        return started[-1], Path(started[-1].stdout.readline().strip())

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_what_killed_processes_left_is_cleared_when_the_folder_is_used(tmp_path, writer):
    (killed, left), (_, used) = writer(tmp_path / 'a.html'), writer(tmp_path / 'b.svg')
    mine = [tmp_path / name for name in ('.csre_mm.toml', '.a.settings.json', '.b.12345678.svg')]
    for path in mine:
        path.write_text('mine')
    killed.kill()
    killed.wait(60)
    assert left.read_text() == used.read_text() == 'half'
    write(tmp_path / 'c.txt')
    assert {*tmp_path.iterdir()} == {*mine, used, tmp_path / 'c.txt'}


@pytest.mark.parametrize('locks', [True, False])
@pytest.mark.parametrize('text', ['', 'half'])
@pytest.mark.parametrize('age', [0, 3, 100])
def test_a_file_that_may_be_in_use_stays(tmp_path, monkeypatch, locks, text, age):
    """A new one may be locked in a moment; without locks only the age tells."""
    path = tmp_path / '.csre_mm.scores.0a_b1c2d.pkl'
    path.write_text(text)
    then = time.time() - age * 3600
    os.utime(path, (then, then))
    if not locks:
        monkeypatch.delattr(files, 'fcntl')
    files.clear_temporaries(tmp_path)
    assert path.exists() == (age < 24 and not (locks and text))


def test_a_nameless_error_of_a_full_disk_gets_a_name(tmp_path):
    def fail(number, *name):
        with files.naming(tmp_path):
            raise OSError(number, os.strerror(number), *name)

    for arguments, name in {
        (errno.ENOSPC,): str(tmp_path),
        (errno.ENOSPC, 'other'): 'other',
        (errno.ENOMEM,): None,  # says nothing of a file
    }.items():
        with pytest.raises(OSError) as caught:
            fail(*arguments)
        assert caught.value.filename == name and caught.value.errno == arguments[0]


class FullDisk:
    """A file of torch.save on a full disk."""

    def write(self, data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def flush(self):
        pass


def test_a_full_disk_is_named_with_the_file(tmp_path):
    path = tmp_path / 'a.pth'
    path.write_text('old')
    with pytest.raises(OSError, match='No space left on device') as caught, atomic_path(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert caught.value.filename == str(path) and caught.value.errno == errno.ENOSPC
    with pytest.raises(OSError, match='disk full') as caught, atomic_path(path):
        raise RuntimeError('[enforce fail] PytorchStreamWriter failed writing file data/0')
    assert caught.value.filename == str(path)
    with pytest.raises(OSError, match='No space') as caught, atomic_path(path):
        torch.save(torch.ones(2), FullDisk())
    assert caught.value.filename == str(path)
    with pytest.raises(FileNotFoundError) as caught, atomic_path(path):
        os.stat(tmp_path / 'other')
    assert caught.value.filename == str(tmp_path / 'other')  # of another file
    assert path.read_text() == 'old' and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ('data', 'message'),
    [
        (b'{', 'is no JSON, or damaged'),
        (b'[' * 100_000, 'is no JSON, or damaged'),
        (b'9' * 5000, 'is no JSON, or damaged'),
        (b'"\xff"', 'is not a text file in UTF-8'),
    ],
)
def test_bad_json_is_one_line(tmp_path, data, message):
    (tmp_path / 'a.json').write_bytes(data)
    with pytest.raises(InputError, match=message) as caught:
        load_json(tmp_path / 'a.json')
    assert '\n' not in str(caught.value) and len(str(caught.value)) < 400


def test_a_text_file_has_a_largest_size(tmp_path):
    (tmp_path / 'a.txt').write_text('1234')
    assert read_text(tmp_path / 'a.txt', largest=4) == '1234'
    with pytest.raises(InputError, match='is larger than 3 bytes'):
        read_text(tmp_path / 'a.txt', largest=3)
    with pytest.raises(InputError, match='cannot be read: Is a directory'):
        read_text(tmp_path)
