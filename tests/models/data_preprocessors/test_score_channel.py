import pytest
import torch

from csre_mm.datasets import get_layout
from csre_mm.models import SkeletonPreprocessor
from csre_mm.utils.errors import InputError


def run(x, stream, **options):
    preprocessor = SkeletonPreprocessor('nw-ucla', stream, **options)
    return preprocessor({'inputs': list(x), 'data_samples': []})['inputs']


@pytest.fixture
def skeletons():
    torch.manual_seed(0)
    return torch.rand(2, 1, 1, 5, 20, 3)  # x, y, score


@pytest.mark.parametrize('stream', ['j', 'b', 'jm', 'bm'])
def test_coordinates_are_as_without_scores(skeletons, stream):
    out = run(skeletons, stream, score_channel=True)
    torch.testing.assert_close(out[..., :2], run(skeletons[..., :2], stream))


def test_scores_are_averaged_joint_by_joint(skeletons):
    score = skeletons[..., 2]
    torch.testing.assert_close(run(skeletons, 'j', score_channel=True)[..., 2], score)
    bone, moving = (run(skeletons, s, score_channel=True)[..., 2] for s in ('b', 'bm'))
    for joint, parent in enumerate(get_layout('nw-ucla').bone_parents):
        mean = (score[..., joint] + score[..., parent]) / 2
        torch.testing.assert_close(bone[..., joint], mean)
        torch.testing.assert_close(moving[..., :-1, joint], (mean[..., 1:] + mean[..., :-1]) / 2)
    assert not moving[..., -1, :].any()


def test_scores_stay_when_the_origin_moves(skeletons):
    out = run(skeletons, 'j', score_channel=True, origin_joint=1, append_joints=True)
    torch.testing.assert_close(out[..., 2], skeletons[..., 2])
    torch.testing.assert_close(out[..., 5], skeletons[..., 2])
    assert not out[..., 1, :2].any() and out[..., 0, :2].any()


def test_two_coordinates_and_a_score_are_not_rotated():
    with pytest.raises(InputError, match=r'rotation is 0\.3, but with score_channel'):
        SkeletonPreprocessor('nw-ucla', rotation=0.3, score_channel=True)
