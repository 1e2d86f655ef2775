import pytest
import torch

from csre_mm.datasets import get_layout
from csre_mm.models import SkeletonPreprocessor
from csre_mm.models.data_preprocessors.streams import rotation_matrices
from csre_mm.utils.errors import InputError


def run(preprocessor, skeletons, training=False):
    torch.manual_seed(1)
    return preprocessor({'inputs': list(skeletons), 'data_samples': []}, training)['inputs']


@pytest.fixture
def skeletons():
    """Two persons; of the second sample the second one comes late, and the first leaves early."""
    torch.manual_seed(0)
    x = torch.randn(3, 1, 2, 6, 20, 3) + 2
    x[1, :, 1, :3] = 0
    x[1, :, 0, 5] = 0
    return x


def centred(x, joint):
    """Frame by frame and person by person."""
    x, result = x.double(), torch.zeros_like(x, dtype=torch.float64)
    N, clips, M, T = x.shape[:4]
    for n in range(N):
        for clip in range(clips):
            for t in range(T):
                origin = x[n, clip, 0, t, joint]
                for m in range(M):
                    if x[n, clip, m, t].any():
                        result[n, clip, m, t] = x[n, clip, m, t] - origin
    return result.float()


@pytest.mark.parametrize('joint', [0, 1, 19])
def test_a_joint_of_the_first_person_is_the_origin_of_each_frame(skeletons, joint):
    y = run(SkeletonPreprocessor('nw-ucla', origin_joint=joint), skeletons)
    torch.testing.assert_close(y, centred(skeletons, joint))
    assert not y[:, :, 0, :, joint].any()
    assert y[0, :, 1, :, joint].any()  # the second person's joint has a position
    assert not y[1, :, 1, :3].any() and not y[1, :, 0, 5].any()  # an absent person stays absent
    assert torch.equal(y[1, :, 1, 5], skeletons[1, :, 1, 5])  # no first person: no other origin


def test_without_it_the_origin_stays(skeletons):
    assert torch.equal(run(SkeletonPreprocessor('nw-ucla'), skeletons), skeletons)


def test_the_input_is_left_as_it_is(skeletons):
    before = skeletons.clone()
    arguments = dict(origin_joint=1, append_joints=True, relative_to_center=True, rotation=0.3)
    run(SkeletonPreprocessor('nw-ucla', **arguments), skeletons, training=True)
    assert torch.equal(skeletons, before)


def rotated(x, rotation):
    """What the seed of :func:`run` draws, applied joint by joint."""
    torch.manual_seed(1)
    matrices = rotation_matrices(torch.empty(len(x), 3).uniform_(-rotation, rotation))
    result = torch.zeros_like(x)
    for n, matrix in enumerate(matrices):
        for axis in range(3):
            result[n, ..., axis] = sum(matrix[axis, c] * x[n, ..., c] for c in range(3))
    return result


def test_rotation_goes_about_the_origin_that_is_asked_for(skeletons):
    """Turning about the camera and then centring is turning about the new origin."""
    preprocessor = SkeletonPreprocessor('nw-ucla', rotation=0.5, origin_joint=1)
    y = run(preprocessor, skeletons, training=True)
    close = dict(rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(y, rotated(centred(skeletons, 1), 0.5), **close)
    assert not y[:, :, 0, :, 1].any()
    assert not y[1, :, 1, :3].any() and not y[1, :, 0, 5].any()
    still = run(preprocessor, skeletons)
    torch.testing.assert_close(still, centred(skeletons, 1))
    assert not torch.allclose(y, still)
    for joint in range(20):  # the distance of each joint to the origin is what it was
        lengths = (z[0, ..., joint, :].norm(dim=-1) for z in (y, still))
        torch.testing.assert_close(*lengths, **close)


@pytest.mark.parametrize('training', [False, True])
@pytest.mark.parametrize('stream', ['j', 'b', 'jm', 'bm'])
@pytest.mark.parametrize('relative', [False, True])
def test_appended_are_the_joints_before_the_stream(skeletons, stream, relative, training):
    arguments = dict(
        rotation=0.5, origin_joint=1, relative_to_center=relative, bone_center=relative
    )
    x = rotated(skeletons, 0.5) if training else skeletons
    joints = centred(x, 1)
    y = run(
        SkeletonPreprocessor('nw-ucla', stream, append_joints=True, **arguments),
        skeletons,
        training,
    )
    alone = run(SkeletonPreprocessor('nw-ucla', stream, **arguments), skeletons, training)
    assert y.shape == (*skeletons.shape[:-1], 6)
    assert torch.equal(y[..., :3], alone)
    torch.testing.assert_close(y[..., 3:], joints, rtol=1e-4, atol=1e-5)
    if stream == 'j' and not relative:
        assert torch.equal(y[..., :3], y[..., 3:])
    else:
        assert not torch.allclose(y[..., :3], y[..., 3:])


def test_two_coordinates_are_appended_too(skeletons):
    y = run(SkeletonPreprocessor('nw-ucla', 'b', append_joints=True), skeletons[..., :2])
    assert y.shape[-1] == 4 and torch.equal(y[..., 2:], skeletons[..., :2])


@pytest.mark.parametrize('joint', [-1, 20, 25])
def test_an_origin_that_is_no_joint_is_one_line(joint):
    message = f"origin_joint is {joint}, the layout 'nw-ucla' has the joints 0 to 19"
    with pytest.raises(InputError, match=f'model.data_preprocessor.{message}') as error:
        SkeletonPreprocessor('nw-ucla', origin_joint=joint)
    assert '\n' not in str(error.value)


def test_the_last_joint_of_a_larger_layout_may_be_the_origin():
    last = get_layout('nturgb+d').num_joints - 1
    x = torch.randn(1, 1, 1, 2, 25, 3)
    assert not run(SkeletonPreprocessor(origin_joint=last), x)[..., last, :].any()
