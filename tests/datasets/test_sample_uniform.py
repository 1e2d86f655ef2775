import numpy as np
import pytest
from mmaction.registry import TRANSFORMS

from csre_mm.datasets import SampleUniform
from csre_mm.utils.errors import InputError


def upstream(results, **arguments):
    """The same with mmaction2's two transforms."""
    results = {**results, 'total_frames': results['keypoint'].shape[1]}
    sample = TRANSFORMS.build(dict(type='mmaction.UniformSampleFrames', **arguments))
    return TRANSFORMS.build(dict(type='mmaction.PoseDecode')).transform(sample.transform(results))


@pytest.mark.parametrize('test_mode', [False, True])
@pytest.mark.parametrize('num_clips', [1, 3])
@pytest.mark.parametrize('persons', [1, 2, 3])
@pytest.mark.parametrize('frames', [1, 2, 15, 16, 17, 25, 31, 32, 33, 100])
def test_frames_are_those_of_mmaction2(frames, persons, num_clips, test_mode):
    generator = np.random.default_rng(frames)
    keypoint = generator.normal(size=(persons, frames, 5, 3)).astype(np.float32)
    keypoint[-1, frames // 2 :] = 0  # mmaction2 counts the persons present, without effect
    score = generator.random((persons, frames, 5), dtype=np.float32)
    arguments = dict(clip_len=16, num_clips=num_clips, test_mode=test_mode)
    data = {'keypoint': keypoint, 'keypoint_score': score}
    for seed in range(5):
        np.random.seed(seed)
        expected = upstream(data, **arguments)
        np.random.seed(seed)
        found = SampleUniform(**arguments).transform(dict(data))
        for key in ('keypoint', 'keypoint_score'):
            assert found[key].shape[:2] == (persons, 16 * num_clips)
            np.testing.assert_array_equal(found[key], expected[key])
        assert (found['num_clips'], found['clip_len']) == (num_clips, 16)
        assert found['total_frames'] == 16 * num_clips


def picked(frames, clip_len, **arguments):
    ramp = np.arange(frames).reshape(1, frames, 1, 1)
    return SampleUniform(clip_len, **arguments).transform({'keypoint': ramp})['keypoint'].ravel()


@pytest.mark.parametrize('frames', [16, 20, 31, 32, 75])
def test_each_part_gives_one_frame(frames):
    """Every frame of a long sequence can be drawn, one from each part, in order."""
    np.random.seed(0)
    draws = np.stack([picked(frames, 16) for _ in range(400)])
    assert (np.diff(draws) > 0).all() and set(draws.ravel()) == set(range(frames))
    if frames >= 32:
        for part in range(16):
            low, high = part * frames // 16, (part + 1) * frames // 16
            assert set(draws[:, part]) == set(range(low, high))


def test_a_short_sequence_goes_round():
    np.random.seed(0)
    draws = [picked(5, 16) for _ in range(50)]
    assert all((np.diff(draw) % 5 == 1).all() for draw in draws)
    assert {draw[0] for draw in draws} == set(range(5))


def test_testing_is_repeatable_and_leaves_the_global_generator_alone():
    np.random.seed(3)
    expected = np.random.random()
    np.random.seed(3)
    first, again = (picked(75, 16, test_mode=True) for _ in range(2))
    assert np.random.random() == expected and (first == again).all()
    assert (picked(75, 16, test_mode=True, seed=1) != first).any()


@pytest.mark.parametrize(
    'arguments, message',
    [
        (dict(clip_len=0), 'SampleUniform: clip_len is 0'),
        (dict(clip_len=4, num_clips=0), 'SampleUniform: num_clips is 0'),
    ],
)
def test_arguments_are_checked(arguments, message):
    with pytest.raises(InputError, match=message):
        SampleUniform(**arguments)
