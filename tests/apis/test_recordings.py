import io
import json
import zipfile

import numpy as np
import pytest

from csre_mm.apis.recordings import find_recordings
from csre_mm.utils.errors import InputError
from tests.datasets.test_mutations import bounded
from tests.ntu_files import FIRST, NAME, SECOND, make_annotation, moving, skeleton


def two_persons():
    first, second = moving(20, 0.05), moving(20, 0.02, seed=1)
    return skeleton([{FIRST: a, SECOND: b} for a, b in zip(first, second, strict=True)])


def sequence(name, frames=5):
    skeletons = np.random.default_rng(0).normal(size=(frames, 20, 3)).tolist()
    return json.dumps({'file_name': name, 'label': 3, 'skeletons': skeletons})


@pytest.fixture
def folder(tmp_path):
    """One of each kind."""
    (tmp_path / 'deep').mkdir()
    (tmp_path / f'{NAME}.skeleton').write_bytes(two_persons())
    (tmp_path / 'deep/a03_s01_e00_v03.json').write_text(sequence('a03_s01_e00_v03'))
    np.save(tmp_path / 'x.npy', np.ones((2, 7, 25, 3)))
    (tmp_path / 'readme.txt').write_text('no recording')
    (tmp_path / '._x.npy').write_text('of macOS')
    return tmp_path


def test_a_raw_file_is_read_as_the_preparation_reads_it(folder):
    path = folder / f'{NAME}.skeleton'
    recording = find_recordings(path)[0]
    annotation = make_annotation(path.read_bytes(), NAME)
    np.testing.assert_array_equal(recording.keypoint, annotation['keypoint'])
    assert (recording.name, recording.label) == (NAME, annotation['label'])
    own = path.rename(folder / 'my recording.skeleton')
    assert find_recordings(own)[0].label is None


def test_a_folder_has_all_kinds(folder, ntu_file):
    (folder / 'ann.pkl').write_bytes(ntu_file.read_bytes())
    names = [recording.name for recording in find_recordings(folder)]
    assert names[0] == NAME and names[-2:] == ['a03_s01_e00_v03', 'x']
    assert len(names) == 3 + 48
    kinds = {r.name: r.keypoint.shape for r in find_recordings(folder) if r.name in (NAME, 'x')}
    assert kinds == {NAME: (2, 20, 25, 3), 'x': (2, 7, 25, 3)}
    layouts = {r.name: r.layouts[:1] for r in find_recordings(folder)}
    assert layouts[NAME] == ('nturgb+d',) and layouts['a03_s01_e00_v03'] == ('nw-ucla',)
    assert layouts['x'] == ()


def test_a_zip_of_raw_files(folder):
    with zipfile.ZipFile(folder / 'raw.zip', 'w') as archive:
        for path in (f'{NAME}.skeleton', 'deep/a03_s01_e00_v03.json'):
            archive.write(folder / path, path)
    found = find_recordings(folder / 'raw.zip')
    assert [(r.name, r.label) for r in found] == [(NAME, 12), ('a03_s01_e00_v03', 2)]


def test_annotations_of_a_split(ntu_file):
    found = find_recordings(ntu_file, 'xsub_val')
    assert len(found) == 24 and all(r.name.startswith('xsub_val') for r in found)
    assert found[3].fields['total_frames'] == found[3].keypoint.shape[1]
    with pytest.raises(InputError, match="no split 'test'; it has xsub_train, xsub_val"):
        find_recordings(ntu_file, 'test')


def test_files_are_read_when_they_are_asked_for(folder):
    (folder / 'x.npy').write_bytes(b'')
    found = find_recordings(folder)
    assert found[0].name == NAME and find_recordings(found).readers == found.readers
    with pytest.raises(InputError, match='nothing to classify'):
        find_recordings(found[:0])
    with pytest.raises(InputError, match=r'x\.npy'):
        found[-1]


def archive():
    file = io.BytesIO()
    np.savez(file, x=np.ones((1, 3, 25, 3)))
    return file.getvalue()


def npy_header(shape):
    """An ``.npy`` of 64 bytes with the shape that its header claims."""
    text = f"{{'descr': '<f4', 'fortran_order': False, {shape}}}\n".encode()
    return b'\x93NUMPY\x01\x00' + len(text).to_bytes(2, 'little') + text + bytes(64)


def bad_files():
    nan = np.ones((1, 3, 25, 3))
    nan[0, 1, 2, 0] = np.nan
    return {
        'nan.npy': (nan, r'nan.npy: keypoint\[0, 1, 2, 0\] is nan'),
        'huge.npy': (np.full((1, 3, 25, 3), 1e300), r'huge.npy: keypoint\[0, 0, 0, 0\] is inf'),
        '9e18.npy': (
            np.full((1, 3, 25, 3), -9e18),
            r'keypoint\[0, 0, 0, 0\] is -9.*e\+18, .* 1e\+06',
        ),
        'claim.npy': (
            b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, "
            b"'shape': (1, 99999, 50000, 3), }".ljust(128),
            'claim.npy: not an .npy of',
        ),
        'header.npy': (
            b"\x93NUMPY\x01\x00v\x00{'descr': ((((, 'shape': (".ljust(128),
            'not an .npy of',
        ),
        'renamed.npy': (archive(), 'renamed.npy: not .*: an .npz of several arrays'),
        'zero.npy': (np.zeros((1, 3, 25, 3)), 'zero.npy: the skeleton is zero throughout'),
        'flat.npy': (np.ones(75), r'flat.npy: float32 of the shape \(75,\)'),
        'text.npy': (np.array([['a']]), 'text.npy: .* expected numbers'),
        'object.npy': (np.array([{}], dtype=object), 'object.npy: not an .npy of numbers'),
        'complex.npy': (np.ones((3, 25, 3), complex), 'complex.npy: .* it holds complex128'),
        'zip.npy': (b'PK\x03\x04' + bytes(200), 'zip.npy: not an .npy of numbers'),
        'claims.npy': (npy_header("'shape': (4000000000,)"), 'claims.npy: not an .npy of numbers'),
        'negative.npy': (npy_header("'shape': (-1, -16)"), 'negative.npy: not an .npy of numbers'),
        'longer.npy': (npy_header("'shape': (4, 2)"), r'bytes are not float32 of the shape'),
        'words.npy': (npy_header("'shape': 'x'"), 'words.npy: not an .npy of numbers'),
        'code.npy': (npy_header("'shape': open('x', 'w')"), 'code.npy: not an .npy of numbers'),
        'deep.npy': (npy_header("'shape': " + '(' * 5000), 'deep.npy: not an .npy of numbers'),
        'half.npy': (b'\x93NUMPY\x01\x00v\x00', 'half.npy: not an .npy of numbers, or a damaged'),
        'empty.skeleton': (b'', 'empty.skeleton: '),
        'nobody.skeleton': (skeleton([{}, {}]), 'nobody.skeleton: no body in any frame'),
        'a01_s01_e00_v01.json': (b'{', 'a01_s01_e00_v01.json: not valid JSON'),
        'bad.zip': (b'PK\x03\x04', 'bad.zip: expected a folder or a zip'),
        'ann.pkl': (b'\x80\x05', 'ann.pkl: not an annotation pickle'),
        'x.csv': (b'', r'x.csv: cannot be classified, expected .skeleton'),
    }


@pytest.mark.parametrize('name', bad_files())
def test_a_bad_file_is_one_line_that_names_it(tmp_path, name):
    content, message = bad_files()[name]
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        np.save(path, content)
    with bounded(), pytest.raises(InputError, match=message) as error:
        list(find_recordings(path))
    assert '\n' not in str(error.value)


@pytest.mark.parametrize('order', ['C', 'F'])
@pytest.mark.parametrize('dtype', ['>f8', '<f2', 'i4'])
def test_an_array_is_read_in_any_order_and_type(tmp_path, order, dtype):
    array = np.arange(2 * 3 * 25 * 3).reshape(2, 3, 25, 3).astype(dtype, order=order)
    np.save(tmp_path / 'x.npy', array)
    np.testing.assert_array_equal(find_recordings(tmp_path / 'x.npy')[0].keypoint, array)


@pytest.mark.parametrize('dtype', ['f4', 'i4'])
def test_what_an_array_masks_is_unknown(dtype):
    array = np.ma.ones((1, 3, 25, 3), dtype)
    assert type(find_recordings(array)[0].keypoint) is np.ndarray
    array[0, 1, 2, 0] = np.ma.masked
    with pytest.raises(InputError, match=r'keypoint\[0, 1, 2, 0\] is nan'):
        find_recordings(array)[0]


def test_no_recordings(tmp_path):
    with pytest.raises(InputError, match='no such file or folder'):
        find_recordings(tmp_path / 'x.npy')
    with pytest.raises(InputError, match=r'no file of \.skeleton'):
        find_recordings(tmp_path)
    with pytest.raises(InputError, match='nothing to classify'):
        find_recordings([])
