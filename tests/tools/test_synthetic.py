import dataclasses
import re
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

from csre_mm.datasets.layouts import NTU
from csre_mm.utils.errors import InputError
from synthetic import (
    CLASS_NAMES,
    CLASSES,
    CONFUSABLE_PAIRS,
    RecordingId,
    draw_performance,
    place_camera,
    record,
    write_recordings,
)
from synthetic.body import forward_kinematics
from synthetic.motion import ArmPose, Motion
from synthetic.rotations import about, quaternions
from synthetic.signals import beats, hold, ramp, wander
from synthetic.subject import draw_subject

TOOL = Path(__file__).parents[2] / 'tools' / 'data' / 'make_synthetic.py'
FIRST = RecordingId(setup=1, camera=1, performer=1, replication=1, action=1)
ACTIONS = range(1, len(CLASS_NAMES) + 1)


def file_text(seed=0, **numbers):
    recording = dataclasses.replace(FIRST, **numbers)
    return record(seed, recording, draw_performance(seed, recording))


def parse(text):
    """A reader of its own: a list of frames, each a dict of body id -> rows (25, 12)."""
    lines = text.split('\n')
    assert lines.pop() == ''
    rest = iter(lines)
    frames = []
    for _ in range(int(next(rest))):
        bodies = {}
        for _ in range(int(next(rest))):
            head = next(rest).split()
            assert len(head) == 10
            assert len(head[0]) == 17
            assert all(-1 <= float(lean) <= 1 for lean in head[7:9])
            count = int(next(rest))
            bodies[int(head[0])] = np.array([next(rest).split() for _ in range(count)], float)
        frames.append(bodies)
    assert list(rest) == []
    return frames


@pytest.mark.parametrize('action', ACTIONS)
def test_bones_keep_their_lengths(action):
    joints = draw_performance(0, dataclasses.replace(FIRST, action=action)).joints
    lengths = np.linalg.norm(joints - joints[:, :, NTU.bone_parents], axis=-1)  # [M, T, V]
    np.testing.assert_allclose(lengths, np.broadcast_to(lengths[:, :1], lengths.shape), atol=1e-9)


@pytest.mark.parametrize('action', ACTIONS)
def test_people_stay_on_the_floor_and_in_range(action):
    performance = draw_performance(3, dataclasses.replace(FIRST, action=action, performer=7))
    assert 40 <= performance.joints.shape[1] <= 110
    assert len(performance.body_ids) == CLASSES[action - 1].persons
    height = performance.joints[..., 1]
    assert height.min() > -0.25
    assert 1.0 < height[:, 0].max() < 2.1
    # Nobody moves a joint by more than half a metre from one frame to the next.
    steps = np.linalg.norm(np.diff(performance.joints, axis=1), axis=-1)
    assert steps.max() < 0.5
    for camera in (1, 2, 3):
        depth = place_camera(1, camera).joints(performance)[..., 2]
        assert 1.5 < depth.min() < depth.max() < 5


def test_pairs_and_names_fit():
    assert len(CLASS_NAMES) == len(set(CLASS_NAMES)) == len(CLASSES) >= 10
    assert sum(action.persons == 2 for action in CLASSES) >= 2
    labels = [label for pair in CONFUSABLE_PAIRS for label in pair]
    assert len(labels) == len(set(labels)) == 6
    assert max(labels) < len(CLASS_NAMES)


def test_cameras_see_one_performance():
    performance = draw_performance(0, FIRST)
    views = [place_camera(4, camera).joints(performance).reshape(-1, 3) for camera in (1, 2)]
    first, second = (view - view.mean(0) for view in views)
    u, _, v = np.linalg.svd(first.T @ second)
    rotation = u @ v
    assert np.linalg.det(rotation) == pytest.approx(1)
    np.testing.assert_allclose(first @ rotation, second, atol=1e-9)
    assert not np.allclose(first, second, atol=0.1)


def test_outer_camera_sees_the_face():
    # The Kinect mirrors: the left shoulder of somebody who looks at it is at the smaller x.
    for replication, camera in ((1, 2), (2, 3)):
        performance = draw_performance(0, dataclasses.replace(FIRST, replication=replication))
        joints = place_camera(1, camera).joints(performance)[0, 0]
        assert joints[4, 0] < joints[8, 0] - 0.2
        assert joints[15, 2] < joints[14, 2]


def test_a_file_depends_on_seed_and_numbers_only():
    text = file_text()
    assert file_text() == text
    others = [file_text(seed=1)]
    for field in dataclasses.fields(RecordingId):
        others.append(file_text(**{field.name: 2}))
    assert len({text, *others}) == len(others) + 1


def test_subjects_differ():
    heights = [-draw_subject(0, performer).offsets[13:15, 1].sum() for performer in range(1, 20)]
    assert 0.6 < min(heights) < max(heights) < 1.05
    assert np.std(heights) > 0.02


def test_text_has_the_right_numbers():
    frames = parse(file_text(action=11))
    performance = draw_performance(0, dataclasses.replace(FIRST, action=11))
    assert len(frames) == performance.joints.shape[1]
    clean = place_camera(1, 1).joints(performance)
    where = {body_id: index for index, body_id in enumerate(performance.body_ids)}
    errors = []
    for time, bodies in enumerate(frames):
        for body_id, rows in bodies.items():
            assert rows.shape == (25, 12)
            assert set(rows[:, 11]) <= {0, 1, 2}
            norms = np.linalg.norm(rows[:, 7:11], axis=1)
            assert np.all((np.abs(norms - 1) < 1e-4) | (norms == 0))
            np.testing.assert_allclose(rows[:, 3], 256.3 + 366 * rows[:, 0] / rows[:, 2], rtol=1e-3)
            errors.append(np.abs(rows[:, :3] - clean[where[body_id], time]).mean())
    assert 0.001 < np.median(errors) < 0.03


def test_two_person_files_have_two_bodies_some_of_them_late():
    late = 0
    for performer in range(1, 11):
        frames = parse(file_text(performer=performer, action=12))
        firsts = {}
        for time, bodies in enumerate(frames):
            for body_id in bodies:
                firsts.setdefault(body_id, time)
        assert len(firsts) == 2
        late += max(firsts.values()) - min(firsts.values()) >= 3
    assert 0 < late < 10


def test_some_frames_are_lost():
    lost, first_lost = 0, 0
    for performer in range(1, 61):
        empty = [not bodies for bodies in parse(file_text(performer=performer, action=9))]
        assert not all(empty)
        lost += any(empty)
        first_lost += empty[0]
    assert 0 < first_lost < lost < 30


def test_written_files_are_whole_and_named(tmp_path):
    recordings = [dataclasses.replace(FIRST, camera=camera) for camera in (1, 2)]
    size = write_recordings(tmp_path, 0, recordings)
    files = sorted(tmp_path.iterdir())
    expected = ['S001C001P001R001A001.skeleton', 'S001C002P001R001A001.skeleton']
    assert [file.name for file in files] == expected
    assert sum(file.stat().st_size for file in files) == size
    assert files[1].read_text() == file_text(camera=2)


@pytest.mark.parametrize(
    ('field', 'number', 'largest'), [('setup', 33, 32), ('camera', 0, 3), ('performer', 107, 106)]
)
def test_numbers_out_of_range(field, number, largest):
    message = f'{field} {number} is out of range, expected 1 to {largest}'
    with pytest.raises(InputError, match=message):
        dataclasses.replace(FIRST, **{field: number})


def test_hanging_and_lifted_arms():
    subject = draw_subject(0, 1)
    motion = Motion(2)
    motion.arm('left', ArmPose(90, 0, 0, 0), np.array([0.0, 1]))
    joints, _ = forward_kinematics(subject, motion)
    upper = joints[:, 5] - joints[:, 4]
    assert upper[0, 1] == pytest.approx(subject.offsets[5, 1])
    assert upper[1, 2] == pytest.approx(-subject.offsets[5, 1])
    np.testing.assert_allclose(joints[0, 9], joints[1, 9])


def test_quaternions_turn_like_their_matrices():
    rng = np.random.default_rng(0)
    x, y, z = rng.uniform(-180, 180, (3, 50))
    matrices = about('x', x) @ about('y', y) @ about('z', z)
    w, *rest = quaternions(matrices).T
    v = np.stack(rest, axis=-1)
    point = rng.standard_normal(3)
    twice = 2 * np.cross(v, point)
    np.testing.assert_allclose(matrices @ point, point + w[:, None] * twice + np.cross(v, twice))


def test_signals():
    time = np.array([-1, 0, 0.5, 1, 2.0])
    np.testing.assert_allclose(ramp(time, 0, 1), [0, 0, 0.5, 1, 1])
    np.testing.assert_allclose(hold(time, 0, 0.25, 0.75, 1), [0, 0, 1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(beats(time, 0, 1, 1, 0), [0, 0, 1, 0, 0], atol=1e-12)
    # Faster towards the end: half of the time is less than half of the beats.
    assert beats(np.array([0.5]), 0, 1, 1, 0.6)[0] == pytest.approx(0.5 - 0.5 * np.cos(0.7 * np.pi))
    assert wander(np.random.default_rng(0), (4000, 2), 3).std() == pytest.approx(1, abs=0.1)


@pytest.fixture
def run_tool(monkeypatch, capfd):
    def run(*arguments):
        monkeypatch.setattr(sys, 'argv', [str(TOOL), *map(str, arguments)])
        code = 0
        try:
            runpy.run_path(str(TOOL), run_name='__main__')
        except SystemExit as exit_:
            code = exit_.code
        captured = capfd.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['--subjects', 0], 'performer 0 is out of range, expected 1 to 106'),
        (['--subjects', 1, 107], 'performer 107 is out of range'),
        (['--subjects', 2, 2], '--subjects names 2 more than once'),
        (['--subjects'], '--subjects names none'),
        (['--cameras', 4], 'camera 4 is out of range, expected 1 to 3'),
        (['--cameras'], '--cameras names none'),
        (['--setups', 0], '--setups is 0, expected at least 1'),
        (['--setups', 33], 'setup 33 is out of range'),
        (['--replications', 0], '--replications is 0'),
        (['--seed', -1], '--seed is -1'),
        (['--workers', 0], '--workers is 0'),
    ],
)
def test_refused_arguments(tmp_path, run_tool, arguments, message):
    out = tmp_path / 'raw'
    code, _, error = run_tool(out, *arguments)
    assert code == 2
    assert len(error.splitlines()) == 1
    assert message in error
    assert not out.exists()


def test_refuses_a_file_as_folder(tmp_path, run_tool):
    out = tmp_path / 'raw'
    out.touch()
    code, _, error = run_tool(out)
    assert code == 2
    assert re.fullmatch(r'.*error: OUT .*raw is a file, expected a folder\n', error)


def test_tool_writes(tmp_path, run_tool):
    choice = ['--subjects', 106, '--setups', 32, '--cameras', 2, '--replications', 1]
    code, out, _ = run_tool(tmp_path / 'new' / 'raw', *choice, '--workers', 1)
    assert code == 0
    assert out.startswith(f'{len(CLASS_NAMES)} files')
    names = sorted(file.name for file in (tmp_path / 'new' / 'raw').iterdir())
    assert names == [f'S010C002P106R001A{action:03d}.skeleton' for action in ACTIONS]


def test_help_shows_an_example(run_tool):
    code, out, _ = run_tool('--help')
    assert code == 0
    assert 'make_synthetic.py data/synthetic/raw' in out
