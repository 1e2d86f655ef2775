import time

import numpy as np
import pytest

from csre_mm.datasets.preparation.ntu.raw import (
    EMPTY,
    LARGEST_COORDINATE,
    MALFORMED,
    REASONS,
    TRUNCATED,
    RejectedError,
    parse_skeleton,
)
from tests.ntu_files import FIRST, SECOND, body_lines, moving, simple, skeleton, skeleton_lines


def assert_bad(data, *parts, reason=None):
    with pytest.raises(RejectedError) as caught:
        parse_skeleton(data, 'x.skeleton')
    message = str(caught.value)
    assert message.startswith('x.skeleton: line ')
    assert '\n' not in message
    for part in parts:
        assert part in message
    assert caught.value.reason in REASONS
    if reason:
        assert caught.value.reason == reason


@pytest.mark.parametrize('newline', ['\n', '\r\n'])
def test_one_body(newline):
    joints = moving(4, 0.1)
    recording = parse_skeleton(skeleton([{FIRST: frame} for frame in joints], newline), 'x')
    (body,) = recording.bodies
    assert body.body_id == FIRST
    np.testing.assert_array_equal(body.frames, range(4))
    assert body.joints.dtype == np.float32
    np.testing.assert_array_equal(body.joints, joints)
    assert (recording.num_frames, recording.num_repeated) == (4, 0)


def test_two_bodies_and_missing_frames():
    first, second = moving(5, 0.1), moving(5, 0.2, seed=1)
    frames = [
        {},
        {SECOND: second[1]},
        {FIRST: first[2], SECOND: second[2]},
        {},
        {FIRST: first[4]},
    ]
    recording = parse_skeleton(skeleton(frames), 'x')
    bodies = {body.body_id: body for body in recording.bodies}
    assert list(bodies) == [SECOND, FIRST]
    assert bodies[FIRST].frames.tolist() == [2, 4]
    assert bodies[SECOND].frames.tolist() == [1, 2]
    np.testing.assert_array_equal(bodies[FIRST].joints, first[[2, 4]])
    np.testing.assert_array_equal(bodies[SECOND].joints, second[[1, 2]])
    assert recording.num_frames == 5


def test_no_frames_and_no_bodies_are_no_bodies():
    assert parse_skeleton(b'0\n', 'x').bodies == []
    assert parse_skeleton(skeleton([{}, {}]), 'x').bodies == []


def repeated(frames):
    """The content of a file whose frames are lists of bodies, all of one id."""
    lines = [str(len(frames))]
    for bodies in frames:
        lines.append(str(len(bodies)))
        for joints in bodies:
            lines += body_lines(FIRST, joints)
    return '\n'.join(lines).encode()


@pytest.mark.parametrize('order', [1, -1])
def test_of_a_repeated_id_the_nearest_detection_is_kept(order):
    joints = moving(4, 0.1)
    other = joints[2] + 1
    frames = [[joints[0]], [joints[1]], [joints[2], other, other + 1][::order], [joints[3]]]
    recording = parse_skeleton(repeated(frames), 'x')
    (body,) = recording.bodies
    np.testing.assert_array_equal(body.joints, joints)
    assert body.frames.tolist() == [0, 1, 2, 3]
    assert recording.num_repeated == 2


def test_of_an_id_repeated_at_once_the_first_detection_is_kept():
    joints = moving(2, 0.1)
    recording = parse_skeleton(repeated([[joints[0], joints[0] + 1], [joints[1]]]), 'x')
    np.testing.assert_array_equal(recording.bodies[0].joints, joints)
    assert recording.num_repeated == 1


def test_a_bad_number_of_the_detection_kept_is_found_by_its_line():
    joints = moving(2, 0.1)
    bad = joints[1].copy()
    bad[3, 1] = np.nan
    data = repeated([[joints[0]], [bad - 1, bad]])
    assert_bad(data, 'line 36: y of joint 4 is nan')
    assert parse_skeleton(repeated([[joints[0]], [joints[1], bad]]), 'x').num_repeated == 1


def test_the_content_ends_early_at_every_line():
    lines = skeleton_lines([{FIRST: joint} for joint in moving(2, 0.1)])
    for size in range(1, len(lines)):
        message = f'line {size}: the file ends after this line'
        assert_bad('\n'.join(lines[:size]).encode(), message, reason=TRUNCATED)
    assert_bad(b'', 'line 1: the file is empty', reason=EMPTY)
    assert_bad(b' \r\n', 'the file is empty', reason=EMPTY)


def test_a_line_that_ends_early():
    lines = skeleton_lines([{FIRST: joint} for joint in moving(2, 0.1)])
    cut = '\n'.join([*lines[:-1], lines[-1][:12]]).encode()
    where = f'line {len(lines)}: ', 'joint 25 of frame 2 of 2'
    assert_bad(cut, *where, reason=TRUNCATED)
    assert_bad(cut + b'\n', *where, reason=MALFORMED)


@pytest.mark.parametrize(
    ('line', 'text', 'parts'),
    [
        (1, 'many', ("line 1: found 'many'", 'number of frames')),
        (1, '-1', ("line 1: found '-1'",)),
        (1, '9' * 5000, ('line 1: ', 'number of frames')),
        (1, '1', ('line 30: ', 'the end of the file after its 1 frames')),
        (1, '3', ('line 57: the file ends', 'the number of bodies of frame 3 of 3')),
        (2, '0', ('line 3: ', 'the number of bodies of frame 2')),
        (2, '2', ('line 30: ', 'the 10 values of a body of frame 1')),
        (3, '1.5 0 1 1 1 1 0 0 0 2', ('line 3: ', 'the 10 values of a body')),
        (3, '9' * 5000 + ' 0 1 1 1 1 0 0 0 2', ('line 3: ', 'the 10 values of a body')),
        (3, f'{FIRST} 0', ('line 3: ', 'the 10 values of a body')),
        (4, '24', ("line 4: found '24'", 'the number of joints 25')),
        (7, '0 abc 0 0 0 0 0 0 0 0 0 0', ('line 7: ', 'joint 3 of frame 1 of 2')),
        (7, '0 1_0 0 0 0 0 0 0 0 0 0 0', ('line 7: ', 'expected numbers')),
        (7, '0 0 0', ('line 7: ', 'the 12 numbers of joint 3', 'not 3')),
        (7, '', ('line 7: ', 'not 0')),
        (8, '0 nan 0 0 0 0 0 0 0 0 0 0', ('line 8: y of joint 4 is nan',)),
        (8, '-inf 0 0 0 0 0 0 0 0 0 0 0', ('line 8: x of joint 4 is -inf',)),
        (57, '0 0 1e39 0 0 0 0 0 0 0 0 0', ('line 57: z of joint 25 is 1e+39',)),
        (57, '0 0 1e999 0 0 0 0 0 0 0 0 0', ('line 57: z of joint 25 is inf',)),
        (57, '0 0 -1001 0 0 0 0 0 0 0 0 0', ('line 57: z of joint 25 is -1001', 'up to 1000')),
        (5, '\x00\xff', ('line 5: ',)),
    ],
)
def test_bad_lines(line, text, parts):
    lines = skeleton_lines([{FIRST: joint} for joint in moving(2, 0.1)])
    assert len(lines) == 57
    lines[line - 1] = text
    assert_bad('\n'.join([*lines, '']).encode('latin-1'), *parts)


def test_the_largest_coordinate_is_allowed():
    joints = moving(1, 0)
    joints[0, 0, 0] = -LARGEST_COORDINATE
    (body,) = parse_skeleton(skeleton([{FIRST: joints[0]}]), 'x').bodies
    assert body.joints[0, 0, 0] == -LARGEST_COORDINATE


@pytest.mark.parametrize('line', [1, 2])
def test_a_huge_count_ends_with_the_file(line):
    lines = simple().decode().splitlines()
    lines[line - 1] = str(10**18)
    start = time.perf_counter()
    assert_bad('\n'.join(lines).encode(), 'line ')
    assert time.perf_counter() - start < 1
