"""Cleaning by the rules of the published scripts; expected numbers computed by hand."""

import numpy as np
import pytest

from csre_mm.datasets.preparation.ntu import cleaning
from csre_mm.datasets.preparation.ntu.annotation import (
    make_sample,
    merge_actors,
    select_actors,
)
from csre_mm.datasets.preparation.ntu.cleaning import (
    assign_actors,
    clean_published,
    drop_wide,
    pooled_variance,
    wide_frames,
)
from csre_mm.datasets.preparation.ntu.raw import NO_ACTOR, NO_BODY, RawBody, RejectedError
from tests.ntu_files import FIRST, NAME, SECOND, THIRD, make_annotation, moving, skeleton


def body(number, start, num_frames, step=0.1):
    frames = np.arange(start, start + num_frames)
    return RawBody(number, frames, moving(num_frames, step))


def ids(bodies):
    return [body.body_id for body in bodies]


def test_a_single_body_is_kept_however_short_or_wide():
    wide = RawBody(1, np.arange(3), moving(3, 0.1) * np.float32([9, 1, 1]))
    actors, notes = clean_published([wide])
    assert actors == [[wide]]
    assert not notes


@pytest.mark.parametrize(('num_frames', 'kept'), [(11, [1]), (12, [1, 2])])
def test_by_length(num_frames, kept):
    actors, notes = clean_published([body(1, 0, 40), body(2, 0, num_frames)])
    assert sorted(number for actor in actors for number in ids(actor)) == kept
    assert notes[cleaning.TOO_SHORT] == 2 - len(kept)


def test_all_too_short():
    actors, notes = clean_published([body(1, 0, 11), body(2, 0, 5)])
    assert actors == []
    assert notes == {cleaning.TOO_SHORT: 2}


def test_wide_frames_by_the_ratio_of_extents():
    joints = np.zeros((3, 25, 3), np.float32)
    joints[:, 0, 1] = 1
    joints[:, 1, 0] = 0.79, 0.81, 0
    joints[:, 1, 2] = 5  # depth does not count
    assert wide_frames(joints).tolist() == [False, True, False]


@pytest.mark.parametrize(('num_wide', 'kept'), [(69, [1, 2]), (70, [1])])
def test_by_spread(num_wide, kept):
    joints = moving(100, 0.001)
    joints[:num_wide, :, 0] *= 20
    bodies = [body(1, 0, 100), RawBody(2, np.arange(100), joints)]
    motions = drop_wide(bodies)
    assert ids(motions) == kept
    if 2 in kept:  # its motion is measured without the wide frames
        assert motions[bodies[1]] == pytest.approx(pooled_variance(joints[num_wide:]))
        assert motions[bodies[1]] < pooled_variance(joints)


def test_the_last_body_stays_however_wide():
    wide = [
        RawBody(number, np.arange(20), moving(20, 0.1) * np.float32([9, 1, 1])) for number in (1, 2)
    ]
    assert ids(drop_wide(wide)) == [2]
    actors, notes = clean_published(wide)
    assert [ids(actor) for actor in actors] == [[2]]
    assert notes == {cleaning.TOO_WIDE: 1}


def test_motion_is_the_variance_over_frames_and_joints():
    joints = np.random.default_rng(0).normal(size=(7, 25, 3)).astype(np.float32)
    expected = 0.0
    for axis in range(3):
        values = [float(x) for x in joints[:, :, axis].ravel()]
        mean = sum(values) / len(values)
        expected += sum((value - mean) ** 2 for value in values) / len(values)
    assert pooled_variance(joints) == pytest.approx(expected)


def test_the_body_that_moves_most_is_the_first_actor():
    actors, _ = clean_published([body(1, 0, 20, 0.01), body(2, 0, 20, 0.1), body(3, 0, 20, 0.05)])
    assert [ids(actor) for actor in actors] == [[2], [3]]
    equal = [body(number, 0, 20) for number in (1, 2, 3)]
    assert [ids(actor) for actor in clean_published(equal)[0]] == [[1], [2]]


def test_limits_of_motion_are_applied_on_request_and_keep_the_first():
    def scaled(number, motion):
        joints = moving(20, 0)
        return RawBody(number, np.arange(20), joints * (motion / pooled_variance(joints)) ** 0.5)

    bodies = [scaled(1, 2.5), scaled(2, 2.1), scaled(3, 1.9), scaled(4, 0.08)]
    actors, notes = clean_published(bodies)
    assert [ids(actor) for actor in actors] == [[1], [2]]
    actors, notes = clean_published(bodies, limit_motion=True)
    assert [ids(actor) for actor in actors] == [[1], [3]]
    assert notes == {cleaning.BAD_MOTION: 2}


@pytest.mark.parametrize(
    ('ranges', 'actors'),
    [
        ([(0, 30), (0, 30)], [[0], [1]]),
        ([(0, 15), (15, 15)], [[0, 1]]),  # no frame in common
        ([(0, 16), (15, 15)], [[0, 1]]),  # one
        ([(0, 17), (15, 15)], [[0], [1]]),  # two
        ([(0, 10), (5, 20), (25, 5)], [[0, 2], [1]]),
        ([(0, 40), (0, 20), (20, 20)], [[0], [1, 2]]),
        ([(0, 40), (0, 20), (10, 20)], [[0], [1]]),  # a third person
        ([(0, 40), (20, 20), (2, 10)], [[0], [1]]),  # the second's range begins at 0
        ([(0, 10), (30, 10), (15, 10)], [[0, 1], [2]]),  # the first's range covers its gap
    ],
)
def test_bodies_are_assigned_to_two_actors(ranges, actors):
    bodies = [body(number, *span) for number, span in enumerate(ranges)]
    assert [ids(actor) for actor in assign_actors(bodies)] == actors


def test_joined_bodies_are_one_person_and_the_later_one_counts():
    first, second = body(1, 0, 5), body(2, 4, 5, 0.2)
    keypoint = merge_actors([[first, second]])
    assert keypoint.shape == (1, 9, 25, 3)
    np.testing.assert_array_equal(keypoint[0, :4], first.joints[:4])
    np.testing.assert_array_equal(keypoint[0, 4:], second.joints)


def test_merge_puts_absent_actors_to_zero_and_drops_frames_without_any():
    keypoint = merge_actors([[body(1, 2, 2)], [body(2, 5, 1)]])
    np.testing.assert_array_equal(keypoint[0], [*moving(2, 0.1), np.zeros((25, 3))])
    np.testing.assert_array_equal(keypoint[1], [*np.zeros((2, 25, 3)), moving(1, 0.1)[0]])


def test_without_cleaning_the_two_that_move_most_stay():
    bodies = [body(number, 0, 6, step) for number, step in enumerate([0.1, 0.3, 0, 0.2])]
    actors, notes = select_actors(bodies, 'none')
    assert [ids(actor) for actor in actors] == [[1], [3]]
    assert sum(notes.values()) == 2
    with pytest.raises(ValueError, match="cleaning is 'some', expected one of published"):
        select_actors(bodies, 'some')


def test_frames_with_only_a_body_that_is_not_kept_are_dropped():
    still = moving(20, 0)
    frames = [{THIRD: still[0]}]
    steps = zip(moving(20, 0.1), moving(20, 0.2), strict=True)
    frames += [{FIRST: slow, SECOND: fast, THIRD: still[0]} for slow, fast in steps]
    annotation = make_annotation(skeleton(frames), NAME)
    assert annotation['frame_dir'] == NAME
    assert annotation['label'] == 12
    assert annotation['total_frames'] == 20
    keypoint = annotation['keypoint']
    assert keypoint.dtype == np.float32
    np.testing.assert_array_equal(keypoint, [moving(20, 0.2), moving(20, 0.1)])


def test_no_body_and_zeros_are_rejected_as_no_body():
    for frame in ({}, {FIRST: np.zeros((25, 3))}):
        with pytest.raises(RejectedError, match=rf'^{NAME}\.skeleton: no body in any frame') as e:
            make_annotation(skeleton([frame]), NAME)
        assert e.value.reason == NO_BODY


def test_detections_of_zeros_are_frames_without_the_body():
    joints = moving(4, 0.1)
    frames = [{FIRST: joints[0]}, {FIRST: joints[1] * 0}, {FIRST: joints[2]}, {FIRST: joints[3]}]
    annotation, notes = make_sample(skeleton(frames), NAME)
    np.testing.assert_array_equal(annotation['keypoint'][0], joints[[0, 2, 3]])
    assert notes == {'detections of zeros dropped': 1, 'frames without an actor dropped': 1}


def test_short_bodies_only_are_rejected_unless_nothing_is_cleaned():
    data = skeleton([{FIRST: one, SECOND: one + 1} for one in moving(5, 0.1)])
    with pytest.raises(RejectedError, match='2 bodies, the longest in 5 frames') as caught:
        make_annotation(data, NAME)
    assert caught.value.reason == NO_ACTOR
    assert make_annotation(data, NAME, cleaning='none')['keypoint'].shape == (2, 5, 25, 3)
