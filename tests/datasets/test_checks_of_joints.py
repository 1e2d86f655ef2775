import pytest

from csre_mm.datasets.checks import check_dataset
from tests.checked_data import assert_found, check, make_data


def lose(data, scored=False, every=1):
    """One of five joints in every frame, or in every 4th frame."""
    for annotation in data['annotations']:
        for frame in range(0, annotation['total_frames'], every):
            if scored:
                annotation['keypoint_score'][:, frame, frame % 5] = 0
            else:
                annotation['keypoint'][:, frame, frame % 5] = 0
    return data


@pytest.mark.parametrize('scored', [False, True])
def test_lost_joints_are_counted_and_found(scored):
    data = lose(make_data(scores=scored), scored)
    data['annotations'][5]['keypoint'][1, 2] = 0  # an absent person lacks nothing
    line = (
        'keypoint lacks 20.0 % of the joints (zeros, or score 0), in sample '
        "'s0' 20.0 %, expected at most 10 %: their bones and motion are zero"
    )
    assert_found(data, ('warning', 'undetected', None, line))
    assert 'joints that were not detected: 20.0 %' in list(check_dataset(data).counts())
    assert check(lose(make_data(scores=scored), scored, every=4)) == []


def test_a_body_is_measured_by_the_joints_it_has():
    data = make_data()
    for annotation in data['annotations']:
        annotation['keypoint'] += 50  # metres from the camera, as far from the zeros
    assert check(lose(data, every=4)) == []


def test_a_joint_that_no_sample_has():
    data = make_data()
    for annotation in data['annotations']:
        annotation['keypoint'][:, :, 4] = 0
    lost = ('warning', 'undetected', None, 'keypoint lacks 20.0 % of the joints')
    line = 'keypoint has joint 4 at zero in all samples, expected coordinates: it counts as not'
    assert_found(data, lost, ('warning', 'undetected', None, line))
