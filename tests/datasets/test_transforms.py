import math

import numpy as np
import pytest
import torch

from csre_mm.datasets import CenterSkeleton, CropResize, NormalizeRange, SampleSorted
from csre_mm.datasets.transforms.pre_normalize import PreNormalize3D
from csre_mm.utils.errors import InputError


@pytest.fixture
def keypoint():
    return np.random.default_rng(0).normal(size=(2, 30, 5, 3)).astype(np.float32) + 3


def test_center_skeleton(keypoint):
    keypoint[:, :3] = 0  # nobody
    keypoint[0, 3:5] = 0  # the first person comes later
    keypoint[1, 20:] = 0
    out = CenterSkeleton(joint=1).transform({'keypoint': keypoint.astype(np.float16)})
    result, kept = out['keypoint'], keypoint[:, 3:].astype(np.float16).astype(np.float32)
    assert out['total_frames'] == 27 and result.dtype == np.float32
    there = kept.any((2, 3))
    np.testing.assert_allclose(result[there], kept[there] - kept[0, 2, 1], rtol=1e-6)
    assert not result[~there].any() and not result[0, 2, 1].any()


def center_by_loop(keypoint, joint):
    """The recipe, joint by joint: the frames that are kept, and the result as nested lists."""
    persons, frames, joints, channels = keypoint.shape
    there = [
        [
            any(keypoint[m, t, v, c] != 0 for v in range(joints) for c in range(channels))
            for t in range(frames)
        ]
        for m in range(persons)
    ]
    kept = [t for t in range(frames) if any(there[m][t] for m in range(persons))]
    for m in range(persons):
        seen = [t for t in kept if there[m][t]]
        if seen:
            origin = keypoint[m, seen[0], joint]
            break
    result = np.zeros((persons, len(kept), joints, channels), np.float32)
    for m in range(persons):
        for new, t in enumerate(kept):
            for v in range(joints):
                for c in range(channels):
                    if there[m][t]:
                        result[m, new, v, c] = keypoint[m, t, v, c] - origin[c]
    return kept, result


@pytest.mark.parametrize('persons', [1, 2, 3])
def test_center_skeleton_is_a_loop_over_joints(persons):
    generator = np.random.default_rng(persons)
    for absent in (0.0, 0.4, 0.9):
        keypoint = generator.normal(size=(persons, 12, 4, 3)).astype(np.float32)
        keypoint[generator.random((persons, 12)) < absent] = 0
        keypoint[-1, 5] = 1  # one at least
        score = generator.random((persons, 12, 4))
        out = CenterSkeleton(2).transform({'keypoint': keypoint, 'keypoint_score': score})
        kept, expected = center_by_loop(keypoint, 2)
        np.testing.assert_array_equal(out['keypoint'], expected)
        np.testing.assert_array_equal(out['keypoint_score'], score[:, kept])
        assert out['total_frames'] == len(kept)


def interpolate(x, frames):
    """(M, T, ...) resized in time by PyTorch, in double precision."""
    flat = torch.from_numpy(x.astype(np.float64)).flatten(2).mT  # (M, ..., T)
    resized = torch.nn.functional.interpolate(flat, frames, mode='linear').mT
    return resized.reshape(len(x), frames, *x.shape[2:]).numpy()


@pytest.mark.parametrize('length', [1, 7, 30, 64, 101])
def test_crop_resize_in_testing_is_torch_interpolate_of_the_middle(length):
    x = np.random.default_rng(1).normal(size=(2, length, 5, 3)).astype(np.float32)
    out = CropResize(clip_len=64, fraction=0.95).transform({'keypoint': x})
    cut = int((1 - 0.95) * length / 2)
    expected = interpolate(x[:, cut : length - cut], 64)
    np.testing.assert_allclose(out['keypoint'], expected, atol=1e-5)
    assert out['keypoint'].dtype == np.float32
    assert (out['num_clips'], out['clip_len'], out['total_frames']) == (1, 64, 64)


@pytest.mark.parametrize('dtype', [np.float16, np.float32, np.float64, np.int16])
def test_random_crop_is_torch_interpolate_of_its_draw(dtype):
    """Half and whole numbers are not rounded; the scores are resized as the joints are."""
    generator = np.random.default_rng(2)
    x = (generator.normal(size=(2, 80, 5, 3)) * 50).astype(dtype)
    score = generator.random((2, 80, 5), dtype=np.float32)
    transform = CropResize(clip_len=20, fraction=(0.5, 1.0))
    for seed in range(10):
        np.random.seed(seed)
        length = int(80 * np.random.uniform(0.5, 1.0))
        start = np.random.randint(80 - length + 1)
        np.random.seed(seed)
        out = transform.transform({'keypoint': x, 'keypoint_score': score})
        for key, whole in (('keypoint', x), ('keypoint_score', score)):
            expected = interpolate(whole[:, start : start + length], 20)
            np.testing.assert_allclose(out[key], expected, rtol=1e-5, atol=1e-4)


def test_random_crop_stays_within_its_bounds():
    """The resized crop of a ramp is a ramp whose ends give start and length of the crop."""
    transform, length = CropResize(clip_len=16, fraction=(0.5, 1.0)), 100
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
    out = CropResize(clip_len=64, fraction=(0.5, 1.0)).transform({'keypoint': ramp})['keypoint']
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
    """Directions are not stretched: a pure rotation keeps angles between bones."""
    np.random.seed(0)
    transform = NormalizeRange(joint=0, rotation=60, scale=(0.5, 1.5))
    for _ in range(20):
        matrix = transform._random_matrix().astype(np.float64)
        scale = np.linalg.det(matrix) ** (1 / 3)
        np.testing.assert_allclose(matrix @ matrix.T, scale**2 * np.eye(3), atol=1e-5)
        assert 0.5 <= scale <= 1.5


def test_normalize_range_is_a_loop_over_joints(keypoint):
    transform = NormalizeRange(joint=1, rotation=60, scale=(0.5, 1.5))
    for seed in range(5):
        np.random.seed(seed)
        about_x, about_y = (math.radians(angle) for angle in np.random.uniform(-60, 60, 2))
        factor = np.random.uniform(0.5, 1.5)
        turned = np.empty(keypoint.shape)
        for place in np.ndindex(keypoint.shape[:3]):
            x, y, z = (keypoint[place].astype(np.float64) - keypoint[0, 0, 1]) * factor
            x, z = (
                x * math.cos(about_y) + z * math.sin(about_y),
                z * math.cos(about_y) - x * math.sin(about_y),
            )
            y, z = (
                y * math.cos(about_x) - z * math.sin(about_x),
                z * math.cos(about_x) + y * math.sin(about_x),
            )
            turned[place] = x, y, z
        for axis in range(3):
            low, high = turned[..., axis].min(), turned[..., axis].max()
            turned[..., axis] = (turned[..., axis] - low) / (high - low) * 2 - 1
        np.random.seed(seed)
        out = transform.transform({'keypoint': keypoint})['keypoint']
        np.testing.assert_allclose(out, turned, atol=1e-5)


def test_sample_sorted(keypoint):
    keypoint[..., 0, 0] = np.arange(30)
    even = SampleSorted(52, test_mode=True).transform({'keypoint': keypoint})['keypoint']
    assert even.shape == (2, 52, 5, 3)
    assert even[0, :, 0, 0].tolist() == np.linspace(0, 29, 52).astype(int).tolist()
    np.random.seed(0)
    drawn = SampleSorted(52).transform({'keypoint': keypoint})['keypoint'][0, :, 0, 0]
    assert (np.diff(drawn) >= 0).all() and len(set(drawn)) > 15
    assert SampleSorted(52).transform({'keypoint': keypoint[:, :1]})['keypoint'].shape[1] == 52
    both = SampleSorted(52).transform({'keypoint': keypoint, 'keypoint_score': keypoint[..., 0]})
    np.testing.assert_array_equal(both['keypoint_score'], both['keypoint'][..., 0])


@pytest.mark.parametrize(
    'make, message',
    [
        (lambda: CropResize(0), 'clip_len is 0'),
        (lambda: CropResize(64, fraction=(0.5, 1.5)), r'fraction is \(0.5, 1.5\)'),
        (lambda: SampleSorted(-1), 'clip_len is -1'),
    ],
)
def test_arguments_are_checked(make, message):
    with pytest.raises(InputError, match=message):
        make()


@pytest.mark.parametrize('kind', [CenterSkeleton, NormalizeRange])
def test_a_joint_that_does_not_exist(kind, keypoint):
    with pytest.raises(InputError, match='has joint 5, the skeletons have 5 joints'):
        kind(joint=5).transform({'keypoint': keypoint})


def test_a_joint_with_score_zero_is_not_interpolated():
    keypoint = np.array([1, 100], np.float32)[None, :, None, None].repeat(2, 3)  # 2 frames
    score = np.array([1, 0], np.float32)[None, :, None]
    out = CropResize(4, fraction=1.0).transform({'keypoint': keypoint, 'keypoint_score': score})
    assert out['keypoint'][0, :, 0, 0].tolist() == [1, 1, 0, 0]
    assert out['keypoint_score'][0, :, 0].tolist() == [1, 1, 0, 0]


def test_of_three_persons_mmaction2_gets_the_two_in_most_frames():
    keypoint = np.random.default_rng(0).normal(size=(3, 9, 25, 3))
    keypoint[1, 4:] = 0
    expected = PreNormalize3D().transform({'keypoint': keypoint[[0, 2]].copy()})['keypoint']
    out = PreNormalize3D().transform({'keypoint': keypoint.copy()})['keypoint']
    np.testing.assert_array_equal(out, expected)
