import os
import zipfile
from pathlib import Path

import pytest

from csre_mm.datasets.preparation import raw_files
from csre_mm.datasets.preparation.raw_files import find_raw_files
from csre_mm.utils.errors import InputError

SUFFIX = '.skeleton'


def write_zip(path, members):
    with zipfile.ZipFile(path, 'w') as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


@pytest.mark.parametrize(
    'member',
    [
        '../x.skeleton',
        'a/../../x.skeleton',
        '..\\x.skeleton',
        '/srv/x.skeleton',
        '\\x.skeleton',
        '\\\\host\\share\\x.skeleton',
        'C:x.skeleton',
        'C:\\x.skeleton',
        '../x.txt',
    ],
)
def test_a_zip_that_names_files_outside_of_itself_is_refused(tmp_path, member):
    path = write_zip(tmp_path / 'a.zip', {'good.skeleton': b'1', member: b'2'})
    with pytest.raises(InputError, match='refused: the zip names') as caught:
        find_raw_files([path], SUFFIX)
    assert str(caught.value).startswith(f'{path}: ')
    assert '\n' not in str(caught.value)
    assert sorted(tmp_path.iterdir()) == [path]


def test_names_that_only_look_like_it_are_fine(tmp_path):
    members = {'a..b/..c.skeleton': b'1', 'd/./e...skeleton': b'2'}
    path = write_zip(tmp_path / 'a.zip', members)
    assert [file.read() for file in find_raw_files([path], SUFFIX)] == [b'1', b'2']


def test_too_many_bytes_are_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(raw_files, 'LARGEST_FILE', 1)
    for source in (tmp_path, write_zip(tmp_path / 'a.zip', {'a.skeleton': b'12'})):
        (tmp_path / 'a.skeleton').write_bytes(b'12')
        (file,) = find_raw_files([source], SUFFIX)
        with pytest.raises(InputError, match='has 2 bytes, expected at most 1'):
            file.read()


def test_what_is_no_file_is_not_read(tmp_path):
    (tmp_path / 'folder.skeleton').mkdir()
    os.mkfifo(tmp_path / 'pipe.skeleton')
    (tmp_path / 'a.skeleton').write_bytes(b'1')
    (tmp_path / 'gone.skeleton').symlink_to('nowhere')
    files = find_raw_files([tmp_path], SUFFIX)
    assert [file.stem for file in files] == ['a', 'gone']
    with pytest.raises(InputError, match=r'gone\.skeleton: cannot be read: No such file'):
        files[1].read()


def test_names_are_one_line_in_messages(tmp_path):
    for name in (b'a\nb.skeleton', b'\xff.skeleton'):
        (Path(os.fsdecode(os.fsencode(tmp_path) + b'/' + name))).write_bytes(b'')
    texts = [str(file) for file in find_raw_files([tmp_path], SUFFIX)]
    assert texts[0].endswith('a\\nb.skeleton')
    for text in texts:
        assert text.isprintable()
        text.encode('utf-8')


@pytest.mark.parametrize('size', [0, 30, 70, 100, 140])
def test_a_damaged_zip_is_one_line(tmp_path, size):
    path = write_zip(tmp_path / 'a.zip', {'a.skeleton': b'x' * 50})
    data = path.read_bytes()
    for changed in (data[:size], data[:size] + b'\xff\xff' + data[size + 2 :]):
        path.write_bytes(changed)
        try:
            for file in find_raw_files([path], SUFFIX):
                assert file.read() == b'x' * 50
        except InputError as error:
            assert str(error).startswith(str(path)) and str(error).isprintable()
