import importlib.util
import pickle
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from csre_mm.datasets.annotations import load_annotations
from csre_mm.datasets.ntu import make_annotation, merge_bodies, select_bodies
from csre_mm.datasets.ntu_raw import RawBody, parse_skeleton
from csre_mm.datasets.ntu_splits import (
    BENCHMARKS,
    TWO_PERSON_ACTIONS,
    XSUB60_TRAIN_SUBJECTS,
    XSUB120_TRAIN_SUBJECTS,
    SampleName,
    parse_name,
)
from csre_mm.utils.errors import InputError

FIRST, SECOND, THIRD = 72057594037931690, 72057594037931691, 72057594037931692
"""Ids that float64 cannot tell apart."""
NAME = 'S001C002P003R002A013'


def skeleton_lines(frames):
    """The lines of a raw file; a frame is {body id: joints (25, 3)}."""
    lines = [str(len(frames))]
    for bodies in frames:
        lines.append(str(len(bodies)))
        for body_id, joints in bodies.items():
            lines += [f'{body_id} 0 1 1 1 1 0 0.02 -0.3 2', '25']
            lines += [f'{x} {y} {z} 3 4 -1.#IND nan 0 0 0 1 2' for x, y, z in joints.tolist()]
    return lines


def skeleton(frames, newline='\r\n'):
    return ''.join(line + newline for line in skeleton_lines(frames)).encode()


def moving(num_frames, step, seed=0):
    """Joints (T, 25, 3) with a motion that grows with ``step``."""
    rng = np.random.default_rng(seed)
    start = rng.normal(size=(25, 3)).astype(np.float32)
    times = np.arange(num_frames, dtype=np.float32)
    return start + np.float32(step) * times[:, None, None]


def simple(num_frames=2):
    return skeleton([{FIRST: joints} for joints in moving(num_frames, 0.1)])


def assert_bad(data, *parts):
    with pytest.raises(InputError) as caught:
        parse_skeleton(data, 'x.skeleton')
    message = str(caught.value)
    assert message.startswith('x.skeleton: line ')
    assert '\n' not in message
    for part in parts:
        assert part in message


# --- names and splits


def test_parse_name():
    assert parse_name(NAME) == SampleName(1, 2, 3, 2, 13)


@pytest.mark.parametrize(
    ('name', 'part'),
    [
        ('S001C002P003R002A13', 'SsssCcccPpppRrrrAaaa'),
        (f'{NAME}x', 'SsssCcccPpppRrrrAaaa'),
        ('S001C002P003R002A121', 'action is 121'),
        ('S000C002P003R002A001', 'setup is 0'),
        ('S001C004P003R002A001', 'camera is 4'),
        ('S001C001P107R002A001', 'performer is 107'),
    ],
)
def test_bad_names(name, part):
    with pytest.raises(InputError, match=part):
        parse_name(name)


@pytest.mark.parametrize(
    ('dataset', 'name', 'splits'),
    [
        ('ntu60', 'S001C001P001R001A001', ('xsub_train', 'xview_val')),
        ('ntu60', 'S017C002P003R002A060', ('xsub_val', 'xview_train')),
        ('ntu60', 'S005C003P038R002A050', ('xsub_train', 'xview_train')),
        ('ntu60', 'S005C001P040R002A050', ('xsub_val', 'xview_val')),
        ('ntu120', 'S001C002P001R001A001', ('xsub_train', 'xset_val')),
        ('ntu120', 'S018C001P045R001A061', ('xsub_train', 'xset_train')),
        ('ntu120', 'S032C003P106R002A120', ('xsub_val', 'xset_train')),
        ('ntu120', 'S031C003P103R002A120', ('xsub_train', 'xset_val')),
    ],
)
def test_splits_of_known_names(dataset, name, splits):
    benchmark, sample = BENCHMARKS[dataset], parse_name(name)
    assert benchmark.contains(sample)
    assert benchmark.splits_of(sample) == splits


def test_official_lists():
    assert len(XSUB60_TRAIN_SUBJECTS) == 20
    assert len(XSUB120_TRAIN_SUBJECTS) == 53
    assert len(TWO_PERSON_ACTIONS) == 26
    ntu60, ntu120 = BENCHMARKS['ntu60'].sizes, BENCHMARKS['ntu120'].sizes
    assert ntu60['xsub_train'] + ntu60['xsub_val'] == ntu60['xview_train'] + ntu60['xview_val']
    assert ntu120['xsub_train'] + ntu120['xsub_val'] == ntu120['xset_train'] + ntu120['xset_val']
    assert not BENCHMARKS['ntu60'].contains(parse_name('S018C001P001R001A001'))
    assert not BENCHMARKS['ntu60'].contains(parse_name('S017C001P001R001A061'))


# --- the parser


@pytest.mark.parametrize('newline', ['\n', '\r\n'])
def test_one_body(newline):
    joints = moving(4, 0.1)
    (body,) = parse_skeleton(skeleton([{FIRST: frame} for frame in joints], newline), 'x')
    assert body.body_id == FIRST
    np.testing.assert_array_equal(body.frames, range(4))
    assert body.joints.dtype == np.float32
    np.testing.assert_array_equal(body.joints, joints)


def test_two_bodies_and_missing_frames():
    first, second = moving(5, 0.1), moving(5, 0.2, seed=1)
    frames = [
        {},
        {SECOND: second[1]},
        {FIRST: first[2], SECOND: second[2]},
        {},
        {FIRST: first[4]},
    ]
    bodies = {body.body_id: body for body in parse_skeleton(skeleton(frames), 'x')}
    assert list(bodies) == [SECOND, FIRST]
    assert bodies[FIRST].frames.tolist() == [2, 4]
    assert bodies[SECOND].frames.tolist() == [1, 2]
    np.testing.assert_array_equal(bodies[FIRST].joints, first[[2, 4]])
    np.testing.assert_array_equal(bodies[SECOND].joints, second[[1, 2]])
    keypoint = merge_bodies([bodies[FIRST], bodies[SECOND]])
    assert keypoint.shape == (2, 3, 25, 3)
    np.testing.assert_array_equal(keypoint[0], [np.zeros((25, 3)), first[2], first[4]])
    np.testing.assert_array_equal(keypoint[1], [second[1], second[2], np.zeros((25, 3))])


def test_no_frames_and_no_bodies_are_no_bodies():
    assert parse_skeleton(b'0\n', 'x') == []
    assert parse_skeleton(skeleton([{}, {}]), 'x') == []


def test_the_content_ends_early_at_every_line():
    lines = skeleton_lines([{FIRST: joint} for joint in moving(2, 0.1)])
    for size in range(1, len(lines)):
        assert_bad('\n'.join(lines[:size]).encode(), f'line {size}: the file ends after this line')
    assert_bad(b'', 'line 1: the file is empty')
    assert_bad(b' \r\n', 'the file is empty')


def test_a_line_that_ends_early():
    lines = skeleton_lines([{FIRST: joint} for joint in moving(2, 0.1)])
    cut = '\n'.join([*lines[:-1], lines[-1][:12]]).encode()
    assert_bad(cut, f'line {len(lines)}: ', 'joint 25 of frame 2 of 2')


@pytest.mark.parametrize(
    ('line', 'text', 'parts'),
    [
        (1, 'many', ("line 1: found 'many'", 'number of frames')),
        (1, '-1', ("line 1: found '-1'",)),
        (1, '1', ('line 30: ', 'the end of the file after its 1 frames')),
        (1, '3', ('line 57: the file ends', 'the number of bodies of frame 3 of 3')),
        (2, '0', ('line 3: ', 'the number of bodies of frame 2')),
        (2, '2', ('line 30: ', 'the 10 values of a body of frame 1')),
        (3, '1.5 0 1 1 1 1 0 0 0 2', ('line 3: ', 'the 10 values of a body')),
        (3, f'{FIRST} 0', ('line 3: ', 'the 10 values of a body')),
        (4, '24', ("line 4: found '24'", 'the number of joints 25')),
        (7, '0 abc 0 0 0 0 0 0 0 0 0 0', ('line 7: ', 'joint 3 of frame 1 of 2')),
        (7, '0 0 0', ('line 7: ', 'the 12 numbers of joint 3', 'not 3')),
        (7, '', ('line 7: ', 'not 0')),
        (8, '0 nan 0 0 0 0 0 0 0 0 0 0', ('line 8: y of joint 4 is nan',)),
        (57, '0 0 1e39 0 0 0 0 0 0 0 0 0', ('line 57: z of joint 25 is inf',)),
        (5, '\x00\xff', ('line 5: ',)),
    ],
)
def test_bad_lines(line, text, parts):
    lines = skeleton_lines([{FIRST: joint} for joint in moving(2, 0.1)])
    assert len(lines) == 57
    lines[line - 1] = text
    assert_bad('\n'.join(lines).encode('latin-1'), *parts)


def test_the_same_body_twice_in_a_frame():
    lines = skeleton_lines([{FIRST: moving(1, 0)[0], SECOND: moving(1, 0)[0]}])
    text = '\n'.join(lines).replace(str(SECOND), str(FIRST))
    assert_bad(text.encode(), 'line 30: ', f'body {FIRST} comes twice in frame 1')


# --- actors


def test_the_bodies_that_move_most_are_kept_in_order():
    bodies = [
        RawBody(number, np.arange(6), moving(6, step))
        for number, step in enumerate([0.1, 0.3, 0, 0.2])
    ]
    assert [body.body_id for body in select_bodies(bodies)] == [1, 3]
    assert [body.body_id for body in select_bodies(bodies[2:3])] == [2]
    assert [body.body_id for body in select_bodies([bodies[2], bodies[2]])] == [2, 2]


def test_frames_with_only_a_body_that_is_not_kept_are_dropped():
    still = moving(4, 0)
    frames = [{THIRD: still[0]}]
    steps = zip(moving(3, 0.1), moving(3, 0.2), strict=True)
    frames += [{FIRST: slow, SECOND: fast, THIRD: still[0]} for slow, fast in steps]
    annotation = make_annotation(skeleton(frames), NAME)
    assert annotation['frame_dir'] == NAME
    assert annotation['label'] == 12
    assert annotation['total_frames'] == 3
    keypoint = annotation['keypoint']
    assert keypoint.dtype == np.float32
    np.testing.assert_array_equal(keypoint, [moving(3, 0.2), moving(3, 0.1)])


def test_no_body_is_an_error():
    with pytest.raises(InputError, match=rf'^{NAME}\.skeleton: no body in any frame'):
        make_annotation(skeleton([{}]), NAME)


# --- the command


@pytest.fixture(scope='module')
def tool():
    path = Path(__file__).parents[2] / 'tools/data/prepare_ntu.py'
    spec = importlib.util.spec_from_file_location('prepare_ntu', path)
    module = importlib.util.module_from_spec(spec)
    sys.modules['prepare_ntu'] = module  # worker processes look their function up here
    spec.loader.exec_module(module)
    yield module
    del sys.modules['prepare_ntu']


@pytest.fixture
def run(tool, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)

    def run(*args):
        monkeypatch.setattr(sys, 'argv', ['prepare_ntu.py', *map(str, args)])
        status = 0
        try:
            tool.main()
        except SystemExit as error:
            status = error.code
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


def write_raw(folder, names):
    folder.mkdir(parents=True)
    for name in names:
        (folder / f'{name}.skeleton').write_bytes(simple())


def test_a_folder_becomes_a_pickle(run, tmp_path):
    names = ['S001C001P001R001A001', 'S002C002P003R001A060']
    write_raw(tmp_path / 'raw' / 'deep', names)
    write_raw(tmp_path / 'raw' / 'more', ['S018C001P001R001A001', 'S001C001P001R001A061'])
    status, out, _ = run('raw', 'out/data.pkl', '--dataset', 'ntu60')
    assert status == 0
    assert '2 samples, 0 files skipped' in out
    assert '2 files are not of ntu60' in out
    assert '40,091' in out and '40,090' in out
    data = load_annotations('out/data.pkl')
    assert data['split'] == dict(
        xsub_train=names[:1], xsub_val=names[1:], xview_train=names[1:], xview_val=names[:1]
    )
    assert [a['label'] for a in data['annotations']] == [0, 59]
    assert {a['keypoint'].shape for a in data['annotations']} == {(1, 2, 25, 3)}


def test_two_zips_and_workers_give_the_same_as_one_process(run, tmp_path):
    names = [
        f'S{setup:03}C001P001R001A{action:03}' for setup in (17, 18) for action in range(1, 41)
    ]
    for index, path in enumerate(['a.zip', 'b.zip']):
        with zipfile.ZipFile(path, 'w') as archive:
            for name in names[40 * index : 40 * index + 40]:
                archive.writestr(f'x/{name}.skeleton', simple())
            archive.writestr(f'__MACOSX/x/._{names[0]}.skeleton', b'junk')
            archive.writestr(f'x/._{names[0]}.skeleton', b'junk')
            archive.writestr('../outside.txt', b'never written')
    for workers in (1, 2):
        status, out, err = run(
            'a.zip', 'b.zip', f'{workers}.pkl', '--dataset', 'ntu120', '--workers', workers
        )
        assert status == 0, err
        assert '80 samples, 0 files skipped' in out
    data, other = load_annotations('1.pkl'), load_annotations('2.pkl')
    np.testing.assert_equal(other, data)
    assert [a['frame_dir'] for a in data['annotations']] == names
    assert data['split']['xset_train'] == names[40:]
    assert not (tmp_path.parent / 'outside.txt').exists()


def test_files_that_cannot_be_used_are_named(run, tmp_path):
    write_raw(tmp_path / 'raw', [NAME])
    bad = 'S001C001P001R001A00'
    (tmp_path / 'raw' / f'{bad}1.skeleton').write_bytes(skeleton([{}]))
    (tmp_path / 'raw' / f'{bad}2.skeleton').write_bytes(simple()[:500])
    (tmp_path / 'raw' / 'other.skeleton').write_bytes(simple())
    status, out, err = run('raw', 'data.pkl', '--dataset', 'ntu60')
    assert status == 0
    assert '1 samples, 3 files skipped' in out
    raw = Path('raw')
    assert f'skipped {raw / f"{bad}1.skeleton"}: no body' in err
    assert f'skipped {raw / f"{bad}2.skeleton"}: line ' in err
    assert f'skipped {raw / "other.skeleton"}: expected a name' in err

    status, out, err = run('raw', 'strict.pkl', '--dataset', 'ntu60', '--strict')
    assert status == 2
    assert err.splitlines()[-1].startswith(f'prepare_ntu.py: error: {raw / bad}1.skeleton: no body')
    assert not Path('strict.pkl').exists()

    Path('missing.txt').write_text(f'{bad}1\n{bad}2.skeleton\nother\n')
    status, out, _ = run(
        'raw', 'data.pkl', '--dataset', 'ntu60', '--strict', '--ignore', 'missing.txt'
    )
    assert status == 0
    assert '1 samples, 0 files skipped' in out


def test_bad_arguments_end_with_status_2(run, tmp_path):
    write_raw(tmp_path / 'raw', [NAME])
    write_raw(tmp_path / 'same', [NAME])
    (tmp_path / 'empty').mkdir()
    Path('no.zip').write_text('no zip')
    for args, part in [
        (['raw', 'out.npy'], 'out.npy: the output must be named .pkl'),
        (['nowhere', 'out.pkl'], 'nowhere: no such folder or zip'),
        (['empty', 'out.pkl'], 'empty: no *.skeleton file found'),
        (['no.zip', 'out.pkl'], 'no.zip: expected a folder or a zip'),
        (['raw', 'same', 'out.pkl'], 'the same sample as'),
    ]:
        status, _, err = run(*args, '--dataset', 'ntu60')
        assert status == 2
        assert err.startswith('prepare_ntu.py: error: ') and err.count('\n') == 1
        assert part in err
    write_raw(tmp_path / 'later', ['S020C001P001R001A070'])
    status, _, err = run('later', 'out.pkl', '--dataset', 'ntu60')
    assert status == 2 and 'no usable sample of ntu60' in err
    assert not Path('out.pkl').exists()


def test_a_damaged_zip_member_is_named(run):
    with zipfile.ZipFile('a.zip', 'w') as archive:
        archive.writestr(f'{NAME}.skeleton', simple())
        archive.writestr('S001C001P001R001A001.skeleton', simple())
    content = bytearray(Path('a.zip').read_bytes())
    content[200] ^= 1
    Path('a.zip').write_bytes(content)
    status, out, err = run('a.zip', 'data.pkl', '--dataset', 'ntu60')
    assert status == 0
    assert f'skipped a.zip:{NAME}.skeleton: the zip is damaged' in err
    assert '1 samples, 1 files skipped' in out


def test_the_pickle_is_one_that_anybody_can_read(run, tmp_path):
    write_raw(tmp_path / 'raw', [NAME])
    run('raw', 'data.pkl', '--dataset', 'ntu60')
    with open('data.pkl', 'rb') as file:
        assert pickle.load(file)['annotations'][0]['frame_dir'] == NAME
