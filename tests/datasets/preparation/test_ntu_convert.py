import io
import json
import pickle
import pickletools

import numpy as np
import pytest

from csre_mm.datasets.annotations import load_annotations
from csre_mm.datasets.preparation.annotation_stream import encode_annotation, write_stream
from csre_mm.datasets.preparation.ntu import convert
from csre_mm.datasets.preparation.ntu.convert import (
    Outcome,
    copy_parts,
    plan_tasks,
    read_part,
    remove_parts,
    run_task,
    run_tasks,
    write_part,
)
from csre_mm.datasets.preparation.raw_files import find_raw_files
from csre_mm.utils.errors import InputError
from tests.ntu_files import write_raw

NAMES = [f'S001C001P001R001A{action:03}' for action in range(1, 6)]


def annotations():
    """One small and one large array, which pickle writes in different ways."""
    rng = np.random.default_rng(0)
    return [
        dict(
            frame_dir=name,
            label=label,
            total_frames=num_frames,
            keypoint=rng.normal(size=(1, num_frames, 25, 3)).astype(np.float32),
        )
        for label, (name, num_frames) in enumerate(zip(NAMES, [1, 400, 2, 3, 500], strict=True))
    ]


@pytest.mark.parametrize('group', [1, 2, 5])
def test_the_stream_is_the_pickle_of_the_whole(tmp_path, group):
    data = dict(split=dict(train=NAMES[:3], val=NAMES[3:], none=[]), annotations=annotations())
    pieces = list(map(encode_annotation, data['annotations']))
    joined = [b''.join(pieces[start : start + group]) for start in range(0, 5, group)]
    with open(tmp_path / 'a.pkl', 'wb') as file:
        write_stream(file, data['split'], joined)
    content = (tmp_path / 'a.pkl').read_bytes()
    pickletools.dis(content, io.StringIO())  # raises if an instruction is not as it should be
    for loaded in (pickle.loads(content), load_annotations(tmp_path / 'a.pkl')):
        np.testing.assert_equal(loaded, data)
        assert list(loaded) == ['split', 'annotations']
        assert all(type(one['label']) is int for one in loaded['annotations'])
        assert all(one['keypoint'].flags.writeable for one in loaded['annotations'])


def test_the_stream_of_nothing():
    file = io.BytesIO()
    write_stream(file, {}, [])
    assert pickle.loads(file.getvalue()) == dict(split={}, annotations=[])


@pytest.fixture
def tasks(tmp_path, monkeypatch):
    """Five files, two a part."""
    monkeypatch.setattr(convert, 'FILES_PER_PART', 2)
    write_raw(tmp_path / 'raw', NAMES)
    (tmp_path / 'raw' / f'{NAMES[1]}.skeleton').write_bytes(b'')
    (tmp_path / 'parts').mkdir()
    return plan_tasks(find_raw_files([tmp_path / 'raw'], '.skeleton'), tmp_path / 'parts', 'none')


@pytest.mark.parametrize('workers', [1, 2])
def test_a_second_run_takes_over_what_the_first_did(tasks, workers):
    first = list(run_tasks(tasks, workers))
    assert [resumed for _, resumed in first] == [False] * 3
    assert [len(outcomes) for outcomes, _ in first] == [2, 2, 1]
    assert [outcome.reason for outcomes, _ in first for outcome in outcomes] == [
        None, 'empty file', None, None, None
    ]  # fmt: skip
    pieces = [bytes(piece) for piece in copy_parts(tasks)]
    second = list(run_tasks(tasks, workers))
    assert [outcomes for outcomes, _ in second] == [outcomes for outcomes, _ in first]
    assert all(resumed for _, resumed in second)
    assert [bytes(piece) for piece in copy_parts(tasks)] == pieces


def test_a_damaged_part_is_made_again(tasks):
    run_task(tasks[0])
    good = tasks[0].path.read_bytes()
    for place in range(0, len(good), 7):
        for bad in (good[:place], good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :]):
            tasks[0].path.write_bytes(bad)
            assert read_part(tasks[0].path) is None
    with pytest.raises(InputError, match='was changed while this ran'):
        list(copy_parts(tasks))
    assert run_task(tasks[0])[1] is False
    assert tasks[0].path.read_bytes() == good


def test_a_changed_file_or_option_is_another_part(tasks, tmp_path, monkeypatch):
    files = tasks[0].files
    before = {task.path for task in tasks}
    assert {task.path for task in plan_tasks(files, tmp_path / 'parts', 'published')} & before == (
        set()
    )
    (tmp_path / 'raw' / f'{NAMES[0]}.skeleton').write_bytes(b'1')
    after = find_raw_files([tmp_path / 'raw'], '.skeleton')
    changed = {task.path for task in plan_tasks(after, tmp_path / 'parts', 'none')}
    assert len(changed & before) == 2
    monkeypatch.setattr(convert, '__version__', 'other')
    assert not {task.path for task in plan_tasks(after, tmp_path / 'parts', 'none')} & before


def test_a_file_that_could_not_be_read_is_tried_again(tasks):
    path = tasks[0].files[0].source
    data = path.read_bytes()
    path.unlink()
    assert run_task(tasks[0])[0][0].reason == 'unreadable'
    path.write_bytes(data)
    outcomes, resumed = run_task(tasks[0])
    assert outcomes[0].reason is None and not resumed


def test_outcomes_survive(tmp_path):
    outcomes = [Outcome('a', notes={'x': 2}), Outcome('\udcff', 'bad name', 'a: "b"\\n')]
    write_part(tmp_path / 'a.part', outcomes, b'123')
    read, pieces = read_part(tmp_path / 'a.part')
    assert read == outcomes
    assert bytes(pieces) == b'123'


def test_only_parts_are_removed(tmp_path):
    for name in ('a.part', '.a.x.part', 'note.txt'):
        (tmp_path / 'parts').mkdir(exist_ok=True)
        (tmp_path / 'parts' / name).write_text('x')
    remove_parts(tmp_path / 'parts')
    assert [path.name for path in (tmp_path / 'parts').iterdir()] == ['note.txt']
    (tmp_path / 'parts' / 'note.txt').unlink()
    remove_parts(tmp_path / 'parts')
    assert not (tmp_path / 'parts').exists()
    remove_parts(tmp_path / 'parts')


def test_a_worker_that_is_killed_ends_the_run_with_one_line(tasks, monkeypatch):
    monkeypatch.setattr(convert, 'read_part', lambda path: convert.os._exit(9))
    with pytest.raises(InputError, match='a worker process was ended from outside'):
        list(run_tasks(tasks, 2))


def test_json_is_what_parts_hold(tasks):
    """Nothing of a part is unpickled before it is in the file that the user asked for."""
    run_task(tasks[0])
    data = tasks[0].path.read_bytes()
    start = data.index(b'[{')
    assert json.JSONDecoder().raw_decode(data[start:].decode('latin-1'))[0][0]['name'] == NAMES[0]
