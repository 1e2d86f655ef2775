"""A joint that was not detected is zero, stays zero, and changes nothing of the others."""

import numpy as np
import pytest
import torch
from mmaction.datasets import transforms as mmaction2
from mmaction.registry import TRANSFORMS

from csre_mm.datasets import (
    CenterSkeleton,
    CropResize,
    LoopFrames,
    NormalizeRange,
    PreNormalize2D,
    PreNormalize3D,
    ProjectToImage,
    SampleSorted,
    SampleUniform,
)
from csre_mm.datasets.valid_joints import find_no_pixels, valid_joints
from csre_mm.models import SkeletonPreprocessor


@pytest.fixture
def whole():
    """Two persons, 12 frames, 25 joints, 3 m away."""
    return np.random.default_rng(0).normal((0, 0, 3), 0.4, (2, 12, 25, 3)).astype(np.float32)


def lose(keypoint, fraction=0.3, seed=1, but=()):
    """Joints at zero, but for those of one frame, and a person who is absent at first."""
    lost = np.random.default_rng(seed).random(keypoint.shape[:3]) < fraction
    lost[1, :3] = True
    lost[0, 0, list(but)] = False
    return np.where(lost[..., None], 0, keypoint), lost


def run(transform, keypoint, **fields):
    np.random.seed(0)
    sample = {'keypoint': keypoint.copy(), 'total_frames': keypoint.shape[1], **fields}
    return transform.transform(sample)


@pytest.mark.parametrize('transform', [CenterSkeleton(1), PreNormalize3D()])
def test_the_others_are_as_in_the_whole_sequence(transform, whole):
    keypoint, lost = lose(whole, but=(0, 1, 4, 8))
    out = run(transform, keypoint)['keypoint']
    assert not out[lost].any() and (valid_joints(out) == ~lost).all()
    np.testing.assert_array_equal(out[~lost], run(transform, whole)['keypoint'][~lost])


@pytest.mark.parametrize('transform', [CenterSkeleton(1), PreNormalize3D()])
@pytest.mark.parametrize('frames', [1, 4])
def test_an_origin_that_is_lost_at_first_is_that_of_the_first_frame_with_it(
    transform, frames, whole
):
    whole[:] = whole[:, :1]  # a body that stands still: each frame has the same origin
    keypoint = whole.copy()
    keypoint[0, :frames, [0, 1, 4, 8]] = 0
    out, expected = (run(transform, x)['keypoint'] for x in (keypoint, whole))
    assert not out[0, :frames, [0, 1, 4, 8]].any()
    np.testing.assert_array_equal(out[0, frames:], expected[0, frames:])
    np.testing.assert_array_equal(out[1], expected[1])


@pytest.mark.parametrize('transform', [CenterSkeleton(1), PreNormalize3D(align_spine=False)])
def test_an_origin_that_is_never_there_is_the_centroid(transform, whole):
    whole[0, :, 1] = 0
    out = run(transform, whole)['keypoint']
    np.testing.assert_allclose(out[0, 0].sum(axis=0), 0, atol=1e-4)
    assert not out[0, :, 1].any()


@pytest.mark.parametrize('rotation', [0, 60])
def test_the_range_is_that_of_the_detected_joints(rotation, whole):
    keypoint, lost = lose(whole)
    out = run(NormalizeRange(1, rotation, (0.5, 1.5)), keypoint)['keypoint']
    assert not out[lost].any() and (valid_joints(out) == ~lost).all()
    assert out[~lost].min(axis=0).tolist() == [-1] * 3
    assert out[~lost].max(axis=0).tolist() == [1] * 3


@pytest.mark.parametrize('scored', [False, True])
def test_pixels(scored):
    random = np.random.default_rng(0)
    pixels = random.uniform((0, 0), (640, 480), (2, 12, 17, 2)).astype(np.float32)
    pixels[0, 0, 0] = 320, 240  # the middle of the image is a place
    keypoint, lost = lose(pixels, but=(0,))
    fields = {'img_shape': (480, 640)}
    if scored:  # an estimator that gives a place and the score zero
        keypoint, fields['keypoint_score'] = pixels, np.where(lost, 0, 0.5)
    out = run(PreNormalize2D(), keypoint, **fields)
    assert not out['keypoint'][lost].any() and (valid_joints(out['keypoint']) == ~lost).all()
    whole = mmaction2.PreNormalize2D().transform({'keypoint': pixels.copy(), **fields})
    np.testing.assert_array_equal(out['keypoint'][~lost], whole['keypoint'][~lost])
    assert TRANSFORMS.get('PreNormalize2D') is PreNormalize2D


@pytest.mark.parametrize(
    ('largest', 'third', 'message'),
    [
        (480, (0, 1.2), None),  # scores of some estimators go beyond 1
        (0, None, None),  # nobody, in a window of a stream
        (0, (0, 0), None),
        (480, (-0.2, 0.5), 'third coordinates of the skeleton run from -0.1'),
        (1500, (2000, 4000), 'third coordinates of the skeleton run from 20'),  # millimetres
        (1, None, 'first two coordinates of the skeleton run from 0.0'),  # normalised
        (2, (2, 4), 'first two coordinates'),  # metres
    ],
)
def test_what_is_no_pixels(largest, third, message):
    random = np.random.default_rng(0)
    keypoint = random.uniform(0, largest, (1, 5, 17, 2))
    if third is not None:
        keypoint = np.concatenate([keypoint, random.uniform(*third, (1, 5, 17, 1))], -1)
    found = find_no_pixels(keypoint)
    if message is None:
        assert found is None
    else:
        assert found.startswith(f'PreNormalize2D takes pixels, the {message}')


def test_a_projection_has_the_score_zero(whole):
    keypoint, lost = lose(whole)
    out = run(ProjectToImage(), keypoint)
    np.testing.assert_array_equal(out['keypoint_score'], ~lost)
    assert not out['keypoint'][lost].any()
    scored = run(ProjectToImage(), whole, keypoint_score=np.where(lost, 0, 0.5))
    np.testing.assert_array_equal(scored['keypoint_score'], ~lost)


@pytest.mark.parametrize(
    'transform', [LoopFrames(30), SampleSorted(30), SampleUniform(30), SampleUniform(5)]
)
def test_frames_are_picked_with_their_lost_joints(transform, whole):
    keypoint, lost = lose(whole, but=(1,))
    centred = CenterSkeleton(1).transform({'keypoint': keypoint})
    number = np.broadcast_to(np.arange(12.0)[None, :, None], lost.shape)
    out = run(transform, centred['keypoint'], keypoint_score=number)
    frames = out['keypoint_score'][0, :, 0].astype(int)
    np.testing.assert_array_equal(valid_joints(out['keypoint']), ~lost[:, frames])


@pytest.mark.parametrize('length', [5, 12, 40])
def test_between_a_frame_with_a_joint_and_one_without_the_nearer_one_counts(length, whole):
    keypoint, lost = lose(whole, but=(1,))
    centred = CenterSkeleton(1).transform({'keypoint': keypoint})['keypoint']
    full = CenterSkeleton(1).transform({'keypoint': whole})['keypoint']
    transform = CropResize(length, fraction=1.0)
    out, expected = run(transform, centred)['keypoint'], run(transform, full)['keypoint']
    place = ((np.arange(length) + 0.5) * 12 / length - 0.5).clip(0, 11)
    for t, p in enumerate(place):
        low, high, near = int(p), min(int(p) + 1, 11), int(np.floor(p + 0.5))
        np.testing.assert_array_equal(valid_joints(out[:, t]), ~lost[:, near])
        both = ~lost[:, low] & ~lost[:, high]
        np.testing.assert_array_equal(out[:, t][both], expected[:, t][both])
        single = ~both & ~lost[:, near]
        np.testing.assert_array_equal(out[:, t][single], centred[:, near][single])


# --- streams


def stream(x, training=False, **options):
    torch.manual_seed(0)
    batch = {'inputs': [torch.from_numpy(x)[None]], 'data_samples': []}
    return SkeletonPreprocessor(**options)(batch, training)['inputs'][0, 0].numpy()


@pytest.mark.parametrize('options', [{}, {'rotation': 0.3}, {'origin_joint': 1}])
@pytest.mark.parametrize('kind', ['j', 'b', 'jm', 'bm'])
def test_a_stream_is_that_of_the_whole_or_zero(kind, options, whole):
    """Also where the origin, a place at which nothing is lost, comes before the stream."""
    keypoint, lost = lose(whole, but=range(25))
    lost[0, :, 1] = False
    keypoint[0, :, 1] = whole[0, :, 1]
    centred = CenterSkeleton(1).transform({'keypoint': keypoint})['keypoint']
    full = CenterSkeleton(1).transform({'keypoint': whole})['keypoint']
    valid = ~lost
    preprocessor = SkeletonPreprocessor()
    if 'b' in kind:
        valid = valid & valid[..., list(preprocessor.layout.bone_parents)]
    if 'm' in kind:
        valid[:, :-1] &= valid[:, 1:]
    out, expected = (stream(x, True, stream=kind, **options) for x in (centred, full))
    np.testing.assert_array_equal(out[valid], expected[valid])
    assert not out[~valid].any()
    np.testing.assert_array_equal(valid_joints(out), valid)  # what an encoder reads of it


@pytest.mark.parametrize('options', [{'origin_joint': 1}, {'relative_to_center': True}])
def test_a_lost_origin_is_where_it_was_last(options, whole):
    joint = options.get('origin_joint', 20)
    keypoint = whole.copy()
    keypoint[0, [0, 5, 6, 11], joint] = 0
    places = [1, 1, 2, 3, 4, 4, 4, 7, 8, 9, 10, 10]
    expected = whole[0] - whole[0, places, joint][:, None]
    out = stream(keypoint, **options)[0]
    others = np.arange(25) != joint
    np.testing.assert_array_equal(out[:, others], expected[:, others])


def test_the_score_of_a_bone_without_a_joint_is_zero():
    x = np.random.default_rng(0).uniform(0.1, 1, (1, 4, 20, 3)).astype(np.float32)
    x[0, 2, 5, :2] = 0
    out = stream(x, layout='nw-ucla', stream='b', score_channel=True)[0, :, :, 2]
    children = [
        v for v, parent in enumerate(SkeletonPreprocessor('nw-ucla').parents) if parent == 5
    ]
    assert not out[2, [5, *children]].any() and (out != 0).sum() == 80 - 1 - len(children)
