import numpy as np
import pytest
import torch
from mmaction.registry import DATASETS
from mmengine.config import Config
from mmengine.registry import init_default_scope

from csre_mm.datasets import LoopFrames, ProjectToImage
from csre_mm.utils.errors import InputError
from tests.conftest import config


def frames_of(num_frames, clip_len):
    """The frames that are kept, by their numbers."""
    keypoint = np.zeros((2, num_frames, 3, 3), np.float32)
    keypoint[:] = np.arange(num_frames)[:, None, None]
    results = dict(keypoint=keypoint, keypoint_score=keypoint[..., 0] / 10, total_frames=num_frames)
    out = LoopFrames(clip_len).transform(results)
    np.testing.assert_array_equal(out['keypoint_score'], out['keypoint'][..., 0] / 10)
    assert out['keypoint'].shape == (2, clip_len, 3, 3) and out['keypoint'].dtype == np.float32
    assert (out['total_frames'], out['clip_len'], out['num_clips']) == (clip_len, clip_len, 1)
    assert (out['keypoint'] == out['keypoint'][:1, :, :1, :1]).all()
    return out['keypoint'][0, :, 0, 0].astype(int).tolist()


@pytest.mark.parametrize(
    'num_frames, clip_len, expected',
    [
        (3, 8, [0, 1, 2, 0, 1, 2, 0, 1]),
        (1, 4, [0, 0, 0, 0]),
        (4, 8, [0, 1, 2, 3, 0, 1, 2, 3]),
        (5, 5, [0, 1, 2, 3, 4]),
        (9, 5, [2, 3, 4, 5, 6]),
        (8, 5, [1, 2, 3, 4, 5]),
        (6, 5, [0, 1, 2, 3, 4]),
        (9, 1, [4]),
    ],
)
def test_a_shorter_sequence_plays_again_and_of_a_longer_one_the_middle_stays(
    num_frames, clip_len, expected
):
    assert frames_of(num_frames, clip_len) == expected


@pytest.mark.parametrize('clip_len', [0, -3, 2.5])
def test_a_window_without_frames(clip_len):
    with pytest.raises(InputError, match=f'LoopFrames: clip_len is {clip_len}, it must be an'):
        LoopFrames(clip_len)


def project(*joints, **arguments):
    keypoint = np.array(joints, np.float64).reshape(1, 1, -1, 3)
    return ProjectToImage(**arguments).transform(dict(keypoint=keypoint))


def test_a_joint_is_projected_to_its_pixel():
    out = project((0, 0, 2), (0.2, 0.1, 2), (-1, -0.5, 4), (0.2, 0.1, 1))
    expected = [[256, 212], [292.5, 193.75], [164.75, 257.625], [329, 175.5]]
    np.testing.assert_allclose(out['keypoint'][0, 0], expected)
    assert out['keypoint'].dtype == np.float32 and out['img_shape'] == (424, 512)
    assert out['keypoint_score'].tolist() == [[[1, 1, 1, 1]]]


def test_another_camera():
    out = project((0.5, 0.5, 1), img_shape=(100, 200), focal_length=50)
    assert out['keypoint'].tolist() == [[[[125, 25]]]] and out['img_shape'] == (100, 200)


@pytest.mark.parametrize('depth, score', [(0, 0), (-1, 0), (0.05, 0), (0.2, 0), (0.21, 1)])
def test_joints_that_are_too_near_are_not_seen(depth, score):
    out = project((0.3, 0.1, depth), near=0.2)
    assert out['keypoint_score'].item() == score
    assert out['keypoint'].any() == bool(score) and np.isfinite(out['keypoint']).all()


@pytest.mark.filterwarnings('error')
def test_an_absent_person_has_the_score_zero():
    keypoint = np.random.default_rng(0).uniform(1, 2, (2, 5, 4, 3)).astype(np.float32)
    keypoint[1, 2:] = 0
    before = keypoint.copy()
    out = ProjectToImage().transform(dict(keypoint=keypoint))
    assert not out['keypoint'][1, 2:].any() and not out['keypoint_score'][1, 2:].any()
    assert out['keypoint_score'].shape == (2, 5, 4) and out['keypoint_score'].dtype == np.float32
    assert out['keypoint_score'][0].all() and out['keypoint_score'][1, :2].all()
    np.testing.assert_array_equal(keypoint, before)


@pytest.mark.parametrize('channels', [2, 4])
def test_other_coordinates_are_one_line(channels):
    message = f'ProjectToImage needs 3 coordinates, the skeletons have {channels}'
    with pytest.raises(InputError, match=message):
        ProjectToImage().transform(dict(keypoint=np.ones((1, 2, 3, channels))))


def test_their_settings_are_in_their_names():
    assert repr(LoopFrames(300)) == 'LoopFrames(clip_len=300)'
    expected = 'ProjectToImage(img_shape=(424, 512), focal_length=365.0, near=0.1)'
    assert repr(ProjectToImage()) == expected


@pytest.mark.parametrize('part, clips, size', [('train', 1, 56), ('val', 1, 64), ('test', 4, 64)])
def test_the_pipeline_of_posec3d_gives_heatmaps(ntu_file, part, clips, size):
    """In testing the centre crop of each clip and its mirror image; two clips, not ten."""
    init_default_scope('mmaction')
    cfg = Config.fromfile(config('posec3d_ntu60'))[f'{part}_dataloader'].dataset
    inner = cfg.dataset if 'dataset' in cfg else cfg
    inner.ann_file, inner.indices = str(ntu_file), 2
    for step in inner.pipeline:
        if 'num_clips' in step:
            assert step.num_clips == 10
            step.num_clips = 2
    np.random.seed(0)
    dataset = DATASETS.build(cfg)
    for index in range(2):  # of one person and of two
        sample = dataset[index]
        heatmaps = sample['inputs']
        assert heatmaps.shape == (clips, 25, 48, size, size) and heatmaps.dtype == torch.float32
        assert heatmaps.min() >= 0 and heatmaps.max() <= 1 and heatmaps.isfinite().all()
        assert sample['data_samples'].sample_idx == index
