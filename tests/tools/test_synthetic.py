import re

import numpy as np
import pytest

from csre_mm.datasets.class_names import SYNTHETIC
from csre_mm.datasets.layouts import NTU
from csre_mm.datasets.preparation.ntu.splits import SampleName
from synthetic.actions import ACTIONS
from synthetic.body import SIDES, Pose, draw_subject, place_joints
from synthetic.recording import draw_performance, look, raw_text
from tests.commands import Command, captured
from tests.ntu_files import report_of

FIRST = SampleName(setup=1, camera=1, performer=1, replication=1, action=1)
HEAD, NECK, HANDS = 3, 20, [7, 11]  # hands: left, right
PERFORMERS = range(1, 41)


def performances(name):
    """The first person (T, 25, 3) of several performances of a class."""
    action = SYNTHETIC.index(name) + 1
    samples = [FIRST._replace(performer=performer, action=action) for performer in PERFORMERS]
    return [draw_performance(0, sample)[0] for sample in samples]


def separable(values, others):
    """How often a value of the first class is above one of the second; 1 is no overlap."""
    return np.mean(np.array(values)[:, None] > np.array(others))


@pytest.mark.parametrize('name', SYNTHETIC)
def test_people_are_whole_and_within_range(name):
    action = SYNTHETIC.index(name) + 1
    for performer in (1, 2, 3):
        sample = FIRST._replace(performer=performer, action=action)
        joints = draw_performance(0, sample)
        assert joints.shape[0] == ACTIONS[name].persons == 1 + (name in ('shake hands', 'push'))
        assert 40 <= joints.shape[1] <= 110
        lengths = np.linalg.norm(joints - joints[:, :, NTU.bone_parents], axis=-1)  # [M, T, V]
        tree = np.array([v for v in range(25) if v not in (21, 23)])  # tip to thumb is no bone
        np.testing.assert_allclose(
            lengths[..., tree], lengths[:, :1, tree].repeat(joints.shape[1], 1)
        )
        assert joints[..., 1].min() > -0.1 and 1.2 < joints[:, 0, HEAD, 1].min() < 2.1
        assert np.linalg.norm(np.diff(joints, axis=1), axis=-1).max() < 0.5  # metres a frame
        for camera in (1, 2, 3):
            depth = look(sample._replace(camera=camera), joints)[..., 2]
            assert 1 < depth.min() < depth.max() < 5


def test_a_limb_reaches_its_goal_or_as_far_as_it_can():
    subject = draw_subject(np.random.default_rng(0))
    pose = Pose(subject, 2)
    pose.bend[:] = 0
    pose.reach('left', [[0, 0, 0.9], [0, 0, 2]], np.ones(2))
    joints = place_joints(subject, pose)
    reach = subject.arm * 0.595
    for time, length in enumerate((0.9 * reach, 0.999 * reach)):
        np.testing.assert_allclose(joints[time, 7] - joints[time, 4], [0, 0, length], atol=1e-9)


def hand_energy(joints):
    """How much the left hand moves, and the right one."""
    speed = np.diff(joints[:, HANDS] - joints[:, [NECK]], axis=0)
    return (speed**2).sum((0, 2))


def test_the_waving_hand_is_the_one_of_the_name():
    balance = {
        side: [np.subtract(*hand_energy(j)) for j in performances(f'wave with the {side} hand')]
        for side in SIDES
    }
    assert 0.9 < separable(balance['left'], balance['right']) < 1
    assert np.median(balance['left']) > 0 > np.median(balance['right'])


def quickening(joints):
    """Hand energy in the second half of the clapping over that in the first."""
    apart = np.linalg.norm(joints[:, 7] - joints[:, 11], axis=-1)
    lifted = np.flatnonzero(joints[:, HANDS, 1].min(1) > joints[:, NECK, 1] - 0.4)
    speed = np.diff(apart[lifted[0] : lifted[-1] + 1]) ** 2
    first, second = np.array_split(speed, 2)
    return np.log(second.sum() / first.sum())


def test_the_claps_differ_in_rhythm():
    even, faster = (
        [quickening(joints) for joints in performances(name)]
        for name in ('clap evenly', 'clap slowly, then fast')
    )
    assert 0.9 < separable(faster, even) < 1
    assert np.median(faster) > np.median(even) + 0.5


def ahead_of_the_head(joints):
    """Metres by which the higher hand is in front of the head, half-way through."""
    joints = joints[len(joints) // 2]
    forward = np.cross(joints[4] - joints[8], [0, 1, 0])
    hand = joints[HANDS[joints[HANDS, 1].argmax()]]
    return (hand - joints[HEAD]) @ forward / np.linalg.norm(forward)


def test_cup_and_telephone_go_to_other_places():
    drink, call = (
        [ahead_of_the_head(joints) for joints in performances(name)]
        for name in ('drink', 'phone call')
    )
    assert 0.9 < separable(drink, call) < 1
    assert np.median(drink) > np.median(call) + 0.05


def test_cameras_see_one_performance_45_degrees_apart():
    joints = draw_performance(0, FIRST)
    first, *others = (look(FIRST._replace(camera=camera), joints)[0, 0] for camera in (1, 2, 3))
    for other, degrees in zip(others, (45, -45), strict=True):
        u, _, v = np.linalg.svd((first - first.mean(0)).T @ (other - other.mean(0)))
        angle = np.deg2rad(degrees)
        np.testing.assert_allclose((u @ v)[0, [0, 2]], [np.cos(angle), np.sin(angle)], atol=1e-6)
    # The sensor mirrors: the left shoulder of somebody who looks at it is at the smaller x.
    for replication, camera in ((1, 2), (2, 3)):
        sample = FIRST._replace(replication=replication, camera=camera)
        seen = look(sample, draw_performance(0, sample))[0, 0]
        assert seen[4, 0] < seen[8, 0] - 0.2 and seen[15, 2] < seen[14, 2]


def test_a_file_depends_on_seed_and_numbers_only():
    assert raw_text(0, FIRST) == raw_text(0, FIRST)
    others = [FIRST._replace(**{field: 2}) for field in FIRST._fields]
    texts = {raw_text(1, FIRST), *(raw_text(0, sample) for sample in (FIRST, *others))}
    assert len(texts) == len(others) + 2


def test_text_has_the_joints_and_a_little_noise():
    sample = FIRST._replace(action=12)
    clean = look(sample, draw_performance(0, sample))
    lines = raw_text(0, sample).splitlines()
    rows = np.array([line.split() for line in lines if line.count(' ') == 11], float)
    assert lines[0] == str(clean.shape[1]) and len(lines) == 1 + clean.shape[1] * (1 + 2 * 27)
    errors = rows[:, :3].reshape(-1, 2, 25, 3).swapaxes(0, 1) - clean
    assert 0.004 < errors.std() < 0.008
    assert np.diff(errors, axis=1).std() < errors.std()  # smooth
    assert np.all(rows[:, 3:] == [0] * 8 + [2])


@pytest.fixture
def run_tool(tmp_path, monkeypatch, capfd):
    return captured(Command('data/make_synthetic.py', tmp_path, monkeypatch), capfd)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['--subjects', 0], '--subjects is 0, expected 1 to 106'),
        (['--subjects', 1, 107], '--subjects is 107'),
        (['--cameras', 4], '--cameras is 4, expected 1 to 3'),
        (['--setups', 33], '--setups is 33, expected 1 to 32'),
        (['--replications', 3], '--replications is 3, expected 1 to 2'),
        (['--seed', -1], '--seed is -1'),
        (['--workers', 0], '--workers is 0'),
    ],
)
def test_refused_arguments(tmp_path, run_tool, arguments, message):
    code, _, error = run_tool(tmp_path / 'raw', *arguments)
    assert code == 2
    assert len(error.splitlines()) == 1 and message in error
    assert not (tmp_path / 'raw').exists()


def test_refuses_a_file_as_folder(tmp_path, run_tool):
    out = tmp_path / 'raw'
    out.touch()
    code, _, error = run_tool(out)
    assert code == 2
    assert re.fullmatch(r'.*error: OUT .*raw is a file, expected a folder\n', error)


def test_the_files_are_named_and_all_of_them_are_accepted(tmp_path, run_tool, monkeypatch, capfd):
    code, out, _ = run_tool('new/raw', '--subjects', 17, 17, '--setups', 16, '--workers', 1)
    assert code == 0 and out.startswith('72 files, ')
    assert sorted(path.name for path in (tmp_path / 'new/raw').iterdir()) == sorted(
        f'S001C{camera:03d}P017R{replication:03d}A{action:03d}.skeleton'
        for camera in (1, 2, 3)
        for replication in (1, 2)
        for action in range(1, 13)
    )
    prepare = captured(Command('data/prepare_ntu.py', tmp_path, monkeypatch), capfd)
    assert prepare('new/raw', 'data.pkl', '--dataset', 'ntu60', '--strict', '--workers', 1)[0] == 0
    report = report_of()
    assert report['files']['samples']['here'] == 72
    assert report['persons'] == {'1': 60, '2': 12}
    notes = {note for note, group in report['notes'].items() if group['total']}
    assert notes == {'actions of one person with two actors'}


def test_help_shows_an_example(run_tool):
    code, out, _ = run_tool('--help')
    assert code == 0
    assert 'make_synthetic.py data/synthetic/raw' in out
