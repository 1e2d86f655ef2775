import json
import resource
import zipfile
from pathlib import Path

import numpy as np
import pytest

from csre_mm.datasets.annotations import check_annotations, load_annotations
from csre_mm.datasets.preparation.nw_ucla import build_nw_ucla, parse_sequence, parse_view
from csre_mm.datasets.preparation.raw_files import find_raw_files
from csre_mm.utils.errors import InputError
from tests.commands import Command, captured
from tests.conftest import ROOT

DATA = ROOT.parent / 'shared/data/nw-ucla'
NAME = 'a01_s02_e03_v01'


def make_sequence(name=NAME, frames=4, seed=0, **changes):
    skeletons = np.random.default_rng(seed).normal(size=(frames, 20, 3)).tolist()
    return dict(file_name=name, skeletons=skeletons, label=3) | changes


def encode(**changes):
    return json.dumps(make_sequence(**changes)).encode()


@pytest.fixture
def folder(tmp_path):
    """Six sequences, one of view 3 a copy of one of view 1; one has a single frame."""
    folder = tmp_path / 'src' / 'all_sqe'
    folder.mkdir(parents=True)
    for name, frames, seed in [
        ('a01_s01_e00_v01', 4, 0),
        ('a01_s01_e00_v02', 4, 1),
        ('a02_s01_e00_v02', 1, 2),
        ('a01_s01_e01_v03', 4, 0),
        ('a01_s01_e00_v03', 5, 0),
        ('a02_s01_e00_v03', 1, 5),
    ]:
        (folder / f'{name}.json').write_bytes(encode(name=name, frames=frames, seed=seed))
    return folder


def assert_bad(data, *parts, name=NAME):
    with pytest.raises(InputError) as caught:
        parse_sequence(data, name)
    message = str(caught.value)
    assert message.startswith(f'{name}: ')
    assert '\n' not in message
    for part in parts:
        assert part in message


def test_parse_view():
    assert [parse_view(f'a12_s10_e05_v0{view}') for view in (1, 2, 3)] == [1, 2, 3]
    for name in ('a01_s01_e00_v04', 'a01_s01_e00', 'a1_s1_e0_v1', f'{NAME}.json'):
        with pytest.raises(InputError, match=name):
            parse_view(name)


def test_parse_sequence():
    annotation = parse_sequence(encode(), NAME)
    assert annotation['frame_dir'] == NAME
    assert annotation['label'] == 2
    assert annotation['total_frames'] == 4
    keypoint = annotation['keypoint']
    assert keypoint.dtype == np.float32
    np.testing.assert_array_equal(keypoint, np.float32([make_sequence()['skeletons']]))


@pytest.mark.parametrize(
    ('changes', 'parts'),
    [
        (dict(label=0), ('label is 0', '1 to 10')),
        (dict(label=11), ('label is 11',)),
        (dict(label='3'), ("label is '3'",)),
        (dict(label=True), ('label is True',)),
        (dict(label=1.0), ('label is 1.0',)),
        (dict(file_name='a01_s02_e03_v02'), ("file_name is 'a01_s02_e03_v02'",)),
        (dict(skeletons=[]), ('shape (0,)', '[T][20][3]')),
        (dict(skeletons=None), ('shape ()',)),
        (dict(skeletons=np.zeros((2, 25, 3)).tolist()), ('shape (2, 25, 3)', '[T][20][3]')),
        (dict(skeletons=np.zeros((2, 20, 2)).tolist()), ('shape (2, 20, 2)',)),
        (dict(skeletons=np.zeros((20, 3)).tolist()), ('shape (20, 3)',)),
        (dict(skeletons=[[[0, 0, 0]] * 20, [[0, 0, 0]] * 19]), ('ragged',)),
        (dict(skeletons=[[[0, 0, 0]] * 19 + [[0, 0]]]), ('ragged',)),
        (dict(skeletons=[[[0, 0, 0]] * 19 + [[0, 0, [1]]]]), ('something else than numbers',)),
        (dict(skeletons='text'), ('shape ()',)),
        (dict(skeletons={'a': 1}), ('shape ()',)),
        (dict(skeletons=[[['1', '2', '3']] * 20]), ('something else than numbers',)),
        (dict(skeletons=[[[True, 0, 0]] * 20]), ('something else than numbers',)),
        (dict(skeletons=[[[10**400, 0, 0]] * 20]), ('numbers too large',)),
        (dict(label=10**4000), ('label is an integer of 13288 bits',)),
        (dict(file_name=['x'] * 10**5), ('file_name is [',)),
        (dict(skeletons=[[[None, 0, 0]] * 20]), ('something else than numbers',)),
        (dict(skeletons=[[[0, 0, 0]] * 19 + [[0, float('nan'), 0]]]), ('[0][19][1] is nan',)),
        (dict(skeletons=[[[0, 0, 0]] * 19 + [[0, 0, 1e39]]]), ('[0][19][2] is inf',)),
    ],
)
def test_bad_fields(changes, parts):
    assert_bad(json.dumps(make_sequence() | changes).encode(), *parts)


def test_a_long_text_takes_no_more_room_than_it_has():
    skeletons = make_sequence(frames=20)['skeletons']
    skeletons[3][2][1] = 'x' * 10**6  # 4.8 GB as an array of texts
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert_bad(json.dumps(make_sequence(skeletons=skeletons)).encode(), 'something else than')
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < before + 300_000  # KiB


def test_bad_json():
    assert_bad(b'{"label": ', 'not valid JSON')
    assert_bad(b'\xff\xfe\x00', 'not valid JSON')
    assert_bad(b'[' * 100_000, 'not valid JSON')
    assert_bad(b'[]', 'holds a list')
    assert_bad(b'{"label": 1, "file_name": "x"}', "no 'skeletons'")


def test_splits_leave_copies_out(folder):
    data = build_nw_ucla(find_raw_files([folder.parent], '.json'))
    check_annotations(data, 'data')
    assert data['split'] == dict(
        train=['a01_s01_e00_v01', 'a01_s01_e00_v02', 'a02_s01_e00_v02'],
        val=['a01_s01_e00_v03', 'a01_s01_e01_v03', 'a02_s01_e00_v03'],
        val_clean=['a01_s01_e00_v03', 'a02_s01_e00_v03'],
    )


# --- the command


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    return captured(Command('data/prepare_nw_ucla.py', tmp_path, monkeypatch), capsys)


def test_folder_and_zip_give_the_same(run, folder):
    with zipfile.ZipFile('src.zip', 'w', zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.iterdir(), reverse=True):
            archive.write(path, f'all_sqe/{path.name}')
            archive.writestr(f'__MACOSX/all_sqe/._{path.name}', b'junk')
        archive.writestr('all_sqe/._a01_s01_e00_v01.json', b'junk')
        archive.writestr('all_sqe/readme.txt', b'text')
    for source, out in (('src', 'a.pkl'), ('src.zip', 'b.pkl')):
        status, text, err = run(source, out)
        assert status == 0, err
        assert f'{out}: 6 sequences' in text
        assert ' '.join(text.split()[3:9]) == 'train 3 val 3 val_clean 2'
        assert '1 sequences of val are copies' in text
    assert Path('a.pkl').read_bytes() == Path('b.pkl').read_bytes()


def test_bad_inputs_end_with_status_2(run, folder):
    Path('no.zip').write_text('no zip')
    Path('empty').mkdir()
    with zipfile.ZipFile('bad.zip', 'w') as archive:
        archive.writestr(f'x/{NAME}.json', encode(label=12))
    with zipfile.ZipFile('name.zip', 'w') as archive:
        archive.writestr('x/sequence.json', encode())
    with zipfile.ZipFile('twice.zip', 'w') as archive:
        archive.writestr(f'x/{NAME}.json', encode())
        archive.writestr(f'y/{NAME}.json', encode())
    for args, part in [
        (['no.zip', 'out.pkl'], 'no.zip: expected a folder or a zip'),
        (['empty', 'out.pkl'], 'no *.json file found'),
        (['nowhere', 'out.pkl'], 'nowhere: no such folder or zip'),
        (['bad.zip', 'out.pkl'], f'bad.zip:x/{NAME}.json: label is 12, expected'),
        (['name.zip', 'out.pkl'], 'name.zip:x/sequence.json: expected a name'),
        (['twice.zip', 'out.pkl'], f'twice.zip:y/{NAME}.json: the same sample as'),
        (['src', 'out.json'], 'must be named .pkl'),
    ]:
        status, _, err = run(*args)
        assert status == 2
        assert err.splitlines()[-1].startswith('prepare_nw_ucla.py: error: ')
        assert part in err
    assert not Path('out.pkl').exists()


def test_the_real_files(run):
    source = DATA / 'all_sqe.zip'
    if not source.exists():
        pytest.skip(f'no {source}: the real data is not part of the project')
    status, _, err = run(source, 'data.pkl')
    assert status == 0, err
    data = load_annotations('data.pkl')
    check_annotations(data, 'data.pkl')
    split = data['split']
    assert {key: len(names) for key, names in split.items()} == dict(
        train=1020, val=464, val_clean=369
    )
    copies = (DATA / 'test_duplicates_in_train.txt').read_text().split()
    assert sorted(set(split['val']) - set(split['val_clean'])) == sorted(copies)
    lengths = [annotation['total_frames'] for annotation in data['annotations']]
    assert (min(lengths), max(lengths)) == (1, 201)
    assert {annotation['label'] for annotation in data['annotations']} == set(range(10))
