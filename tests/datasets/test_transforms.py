import numpy as np
import pytest
import torch

from csre_mm.datasets import CenterSkeleton, CropResize, NormalizeRange, SampleSorted
from csre_mm.utils.errors import InputError


@pytest.fixture
def keypoint():
    return np.random.default_rng(0).normal(size=(2, 30, 5, 3)).astype(np.float32) + 3


def test_center_skeleton(keypoint):
    keypoint[:, :3] = 0  # nobody there
    keypoint[0, 3:5] = 0  # the first person comes later
    keypoint[1, 20:] = 0
    out = CenterSkeleton(joint=1).transform({'keypoint': keypoint.astype(np.float16)})
    result, kept = out['keypoint'], keypoint[:, 3:].astype(np.float16).astype(np.float32)
    assert out['total_frames'] == 27 and result.dtype == np.float32
    there = kept.any((2, 3))
    np.testing.assert_allclose(result[there], kept[there] - kept[0, 2, 1], rtol=1e-6)
    assert not result[~there].any() and not result[0, 2, 1].any()


@pytest.mark.parametrize('length', [7, 30, 64, 101])
def test_crop_resize_in_testing_is_torch_interpolate_of_the_middle(length):
    x = np.random.default_rng(1).normal(size=(2, length, 5, 3)).astype(np.float32)
    out = CropResize(clip_len=64, share=0.95).transform({'keypoint': x})
    cut = int((1 - 0.95) * length / 2)
    middle = torch.from_numpy(x[:, cut : length - cut]).permute(0, 2, 3, 1).flatten(1, 2)
    expected = torch.nn.functional.interpolate(middle, 64, mode='linear')  # (M, V * C, 64)
    expected = expected.view(2, 5, 3, 64).permute(0, 3, 1, 2).numpy()
    np.testing.assert_allclose(out['keypoint'], expected, atol=1e-5)
    assert (out['num_clips'], out['clip_len'], out['total_frames']) == (1, 64, 64)


def test_random_crop_stays_within_its_bounds():
    """Of a ramp the resized crop is a ramp, whose ends tell start and length of the crop."""
    transform, length = CropResize(clip_len=16, share=(0.5, 1.0)), 100
    ramp = np.arange(length, dtype=np.float64).reshape(1, length, 1, 1)
    np.random.seed(0)
    starts, lengths = [], []
    for _ in range(500):
        out = transform.transform({'keypoint': ramp})['keypoint'].ravel()
        assert out.min() >= 0 and out.max() <= length - 1
        step = out[8] - out[7]
        lengths.append(step * 16)
        starts.append(out[0] - (step - 1) / 2)
    assert min(lengths) >= 50 - 1e-6 and max(lengths) <= 100 + 1e-6
    assert np.mean(lengths) == pytest.approx(74.5, abs=2.5)
    assert min(starts) < 1 and max(starts) > 35


def test_a_short_sequence_is_not_cropped_below_the_window():
    ramp = np.arange(20.0).reshape(1, 20, 1, 1)
    out = CropResize(clip_len=64, share=(0.5, 1.0)).transform({'keypoint': ramp})['keypoint']
    assert out.min() == 0 and out.max() == 19


@pytest.mark.parametrize('frames', [1, 30])
def test_normalize_range(keypoint, frames):
    keypoint = keypoint[:1, :frames]
    keypoint[..., 2] = 7  # no extent
    for transform in (NormalizeRange(joint=1), NormalizeRange(1, rotation=60, scale=(0.5, 1.5))):
        result = transform.transform({'keypoint': keypoint})['keypoint']
        assert np.isfinite(result).all() and result.dtype == np.float32
        assert result.min(axis=(0, 1, 2))[:2].tolist() == [-1, -1]
        assert result.max(axis=(0, 1, 2))[:2].tolist() == [1, 1]
    plain = NormalizeRange(joint=1).transform({'keypoint': keypoint})['keypoint']
    x = keypoint[..., 0]
    np.testing.assert_allclose(
        plain[..., 0], (x - x.min()) / (x.max() - x.min()) * 2 - 1, atol=1e-5
    )
    assert not plain[..., 2].any()


def test_normalize_range_turns_about_the_joint():
    """Undo the stretching by comparing directions: a pure rotation keeps angles between bones."""
    np.random.seed(0)
    transform = NormalizeRange(joint=0, rotation=60, scale=(0.5, 1.5))
    for _ in range(20):
        matrix = transform._random_matrix().astype(np.float64)
        scale = np.linalg.det(matrix) ** (1 / 3)
        np.testing.assert_allclose(matrix @ matrix.T, scale**2 * np.eye(3), atol=1e-5)
        assert 0.5 <= scale <= 1.5


def test_sample_sorted(keypoint):
    keypoint[..., 0, 0] = np.arange(30)
    even = SampleSorted(52, test_mode=True).transform({'keypoint': keypoint})['keypoint']
    assert even.shape == (2, 52, 5, 3)
    assert even[0, :, 0, 0].tolist() == np.linspace(0, 29, 52).astype(int).tolist()
    np.random.seed(0)
    drawn = SampleSorted(52).transform({'keypoint': keypoint})['keypoint'][0, :, 0, 0]
    assert (np.diff(drawn) >= 0).all() and len(set(drawn)) > 15
    assert SampleSorted(52).transform({'keypoint': keypoint[:, :1]})['keypoint'].shape[1] == 52


@pytest.mark.parametrize(
    'make, message',
    [
        (lambda: CropResize(0), 'clip_len is 0'),
        (lambda: CropResize(64, share=(0.5, 1.5)), r'share is \(0.5, 1.5\)'),
        (lambda: SampleSorted(-1), 'clip_len is -1'),
    ],
)
def test_arguments_are_checked(make, message):
    with pytest.raises(InputError, match=message):
        make()


@pytest.mark.parametrize('kind', [CenterSkeleton, NormalizeRange])
def test_a_joint_that_is_not_there(kind, keypoint):
    with pytest.raises(InputError, match='has joint 5, the skeletons have 5 joints'):
        kind(joint=5).transform({'keypoint': keypoint})
