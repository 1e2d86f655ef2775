import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from csre_mm.apis.recordings import find_recordings
from csre_mm.datasets.annotations import check_annotations, load_annotations
from csre_mm.datasets.preparation.raw_files import find_raw_files
from csre_mm.datasets.preparation.utd_mhad import build_utd_mhad, parse_mat, parse_name
from csre_mm.utils.errors import InputError
from tests.commands import Command, captured
from tests.conftest import ROOT
from tests.datasets.test_mutations import bounded

DATA = ROOT.parent / 'shared/data/utd-mhad/Skeleton.zip'
NAMES = ('a1_s1_t1', 'a1_s2_t1', 'a27_s8_t4', 'a10_s3_t2')


def make_array(frames=4, seed=0):
    return np.random.default_rng(seed).normal(size=(20, 3, frames))


def encode(array=None, key='d_skel', compressed=False):
    file = io.BytesIO()
    savemat(file, {key: make_array() if array is None else array}, do_compression=compressed)
    return file.getvalue()


@pytest.fixture
def folder(tmp_path):
    """Four sequences, and a file of another sensor."""
    folder = tmp_path / 'src' / 'Skeleton'
    folder.mkdir(parents=True)
    for seed, name in enumerate(NAMES):
        (folder / f'{name}_skeleton.mat').write_bytes(encode(make_array(4 + seed, seed)))
    (folder / 'a1_s1_t1_inertial.mat').write_bytes(b'not read')
    return folder


def test_parse_name():
    assert [parse_name(name) for name in NAMES] == [(1, 1), (1, 2), (27, 8), (10, 3)]
    wrong = ('a0_s1_t1', 'a28_s1_t1', 'a1_s0_t1', 'a1_s9_t1', 'a1_s1_t5', 'a01_s1_t1')
    for name in (*wrong, 'a01_s01_e00_v01', 'a1_s1', 'a1_s1_t1_skeleton'):
        with pytest.raises(InputError, match=f'^{name}: '):
            parse_name(name)


@pytest.mark.parametrize('compressed', [False, True])
def test_parse_mat(compressed):
    keypoint = parse_mat(encode(compressed=compressed), 'a.mat')
    assert keypoint.dtype == np.float32 and keypoint.shape == (1, 4, 20, 3)
    array = make_array()
    for frame in range(4):
        np.testing.assert_array_equal(keypoint[0, frame], array[:, :, frame].astype(np.float32))


def test_a_file_that_unpacks_to_much_more_is_refused():
    data = encode(np.zeros((20, 3, 80_000)), compressed=True)
    assert len(data) < 100_000
    with pytest.raises(InputError, match=r'a\.mat: .* unpacked it has more than 33,554,432 bytes'):
        parse_mat(data, 'a.mat')


NAN = make_array()
NAN[3, 1, 2] = np.nan


@pytest.mark.parametrize(
    ('data', 'message'),
    [
        (b'', 'not a MATLAB file, or a damaged one: '),
        (b'text ' * 100, 'not a MATLAB file, or a damaged one: '),
        (encode()[:-100], 'not a MATLAB file, or a damaged one: '),
        (encode(key='other'), "has no 'd_skel'"),
        (
            encode(np.zeros((25, 3, 4))),
            r'd_skel has the shape \(25, 3, 4\), expected numbers \[20\]',
        ),
        (encode(np.zeros((20, 3))), r'd_skel has the shape \(20, 3\)'),
        (encode(np.zeros((20, 3, 0))), r'd_skel has the shape \(20, 3, 0\)'),
        (encode(np.array(['text'])), 'd_skel is .*, expected numbers'),
        (encode(1j * make_array()), 'd_skel is complex128 .*, expected numbers'),
        (encode(dict(a=1)), 'd_skel is .*, expected numbers'),
        (encode(NAN), r'd_skel\[3\]\[1\]\[2\] is nan, expected a finite number of metres'),
        (encode(1e39 * np.ones((20, 3, 1))[..., [0, 0]]), r'd_skel\[0\]\[0\]\[0\] is inf'),
    ],
)
def test_bad_files(data, message):
    with pytest.raises(InputError, match=f'^a.mat: {message}') as caught:
        parse_mat(data, 'a.mat')
    assert len(str(caught.value).splitlines()) == 1 and len(str(caught.value)) < 300


def test_changed_files_are_read_or_refused_in_time():
    outcomes = dict(read=0, refused=0)
    for seed in range(200):
        rng = np.random.default_rng(seed)
        content = bytearray(encode(compressed=bool(seed % 2)))
        for place in rng.integers(len(content) if seed % 4 else 250, size=rng.integers(1, 4)):
            content[place] = rng.integers(256)
        with bounded():
            try:
                keypoint = parse_mat(bytes(content), 'a.mat')
            except InputError as error:
                assert str(error).startswith('a.mat: ') and len(str(error).splitlines()) == 1
                outcomes['refused'] += 1
                continue
        assert keypoint.shape[2:] == (20, 3) and np.isfinite(keypoint).all()
        outcomes['read'] += 1
    assert min(outcomes.values()) >= 20


def test_odd_subjects_train(folder):
    data = build_utd_mhad(find_raw_files([folder.parent], '_skeleton.mat'))
    check_annotations(data, 'data')
    assert data['split'] == dict(train=['a10_s3_t2', 'a1_s1_t1'], val=['a1_s2_t1', 'a27_s8_t4'])
    assert [sample['label'] for sample in data['annotations']] == [9, 0, 0, 26]
    assert [sample['total_frames'] for sample in data['annotations']] == [7, 4, 5, 6]


def test_a_file_can_be_classified(folder):
    (own,) = find_recordings(folder / 'a27_s8_t4_skeleton.mat')
    assert (own.name, own.label, own.keypoint.shape) == ('a27_s8_t4', 26, (1, 6, 20, 3))
    (folder / 'my_jump.mat').write_bytes(encode())
    (own,) = find_recordings(folder / 'my_jump.mat')
    assert (own.name, own.label) == ('my_jump', None)


# --- the command


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    return captured(Command('data/prepare_utd_mhad.py', tmp_path, monkeypatch), capsys)


def test_folder_and_zip_give_the_same(run, folder):
    with zipfile.ZipFile('src.zip', 'w', zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.iterdir(), reverse=True):
            archive.write(path, f'Skeleton/{path.name}')
    for source, out in (('src', 'a.pkl'), ('src.zip', 'b.pkl')):
        status, text, err = run(source, out)
        assert status == 0, err
        assert text.split() == f'{out}: 4 sequences train 2 val 2'.split()
    assert Path('a.pkl').read_bytes() == Path('b.pkl').read_bytes()


def test_bad_inputs_end_with_status_2(run, folder):
    Path('empty').mkdir()
    for file, name, data in [
        ('bad.zip', 'a1_s1_t1', b'text'),
        ('name.zip', 'jump', encode()),
        ('subject.zip', 'a1_s9_t1', encode()),
    ]:
        with zipfile.ZipFile(file, 'w') as archive:
            archive.writestr(f'x/{name}_skeleton.mat', data)
    for args, part in [
        (['empty', 'out.pkl'], 'no *_skeleton.mat file found'),
        (['bad.zip', 'out.pkl'], 'bad.zip:x/a1_s1_t1_skeleton.mat: not a MATLAB file'),
        (
            ['name.zip', 'out.pkl'],
            'name.zip:x/jump_skeleton.mat: expected a name of the form aA_sS',
        ),
        (['subject.zip', 'out.pkl'], 'a1_s9_t1_skeleton.mat: expected a name of'),
        (['src', 'out.json'], 'must be named .pkl'),
    ]:
        status, _, err = run(*args)
        assert status == 2 and len(err.splitlines()) == 1
        assert err.startswith('prepare_utd_mhad.py: error: ') and part in err
    assert not Path('out.pkl').exists()


def test_the_real_files(run):
    if not DATA.exists():
        pytest.skip(f'no {DATA}: the real data is not part of the project')
    status, _, err = run(DATA, 'data.pkl')
    assert status == 0, err
    data = load_annotations('data.pkl')
    check_annotations(data, 'data.pkl')
    assert {key: len(names) for key, names in data['split'].items()} == dict(train=431, val=430)
    lengths = [sample['total_frames'] for sample in data['annotations']]
    assert (min(lengths), max(lengths)) == (41, 125)
    assert {sample['label'] for sample in data['annotations']} == set(range(27))
