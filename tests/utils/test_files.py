import errno
import os
import stat

import pytest
import torch

from csre_mm.utils.errors import InputError
from csre_mm.utils.files import atomic_path, load_json, read_text


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
