import math

import pytest
import torch

from csre_mm.datasets import get_layout
from csre_mm.models import SkeletonPreprocessor
from csre_mm.models.data_preprocessors.streams import rotation_matrices
from csre_mm.utils.errors import InputError


def run(preprocessor, skeletons, training=False):
    return preprocessor({'inputs': skeletons, 'data_samples': ['kept']}, training)['inputs']


@pytest.fixture
def skeletons():
    torch.manual_seed(0)
    return [torch.randn(1, 2, 6, 20, 3, dtype=torch.float64) for _ in range(3)]


def test_stacks(skeletons):
    data = {'inputs': skeletons, 'data_samples': ['kept']}
    out = SkeletonPreprocessor('nw-ucla')(data)
    assert torch.equal(out['inputs'], torch.stack(skeletons).float())
    assert out['data_samples'] == ['kept'] and out['inputs'].dtype == torch.float32


@pytest.mark.parametrize('layout', ['nw-ucla', 'nturgb+d'])
def test_streams_joint_by_joint(layout):
    parents = get_layout(layout).bone_parents
    x = torch.randn(2, 1, 2, 6, len(parents), 3)
    streams = {s: run(SkeletonPreprocessor(layout, s), list(x)) for s in ('j', 'b', 'jm', 'bm')}
    assert torch.equal(streams['j'], x)
    for joint, parent in enumerate(parents):
        bone = x[..., joint, :] - x[..., parent, :]
        assert torch.equal(streams['b'][..., joint, :], bone)
    for static, moving in (('j', 'jm'), ('b', 'bm')):
        for t in range(5):
            difference = streams[static][:, :, :, t + 1] - streams[static][:, :, :, t]
            assert torch.equal(streams[moving][:, :, :, t], difference)
        assert not streams[moving][:, :, :, 5].any()


def test_relative_to_center(skeletons):
    x = torch.stack(skeletons).float()
    relative = run(SkeletonPreprocessor('nw-ucla', relative_to_center=True), skeletons)
    others = [joint for joint in range(20) if joint != 2]
    assert torch.equal(relative[..., 2, :], x[..., 2, :])
    assert torch.equal(relative[..., others, :], (x - x[..., 2:3, :])[..., others, :])
    bone = run(SkeletonPreprocessor('nw-ucla', 'b', bone_center=True), skeletons)
    assert torch.equal(bone[..., 2, :], x[..., 2, :])


def test_rotation_is_one_of_training_per_sample_and_rigid(skeletons):
    preprocessor = SkeletonPreprocessor('nw-ucla', rotation=0.3)
    x = torch.stack(skeletons).float()
    assert torch.equal(run(preprocessor, skeletons), x)
    torch.manual_seed(1)
    turned = run(preprocessor, skeletons, training=True)
    torch.manual_seed(1)
    assert torch.equal(turned, run(preprocessor, skeletons, training=True))
    for before, after in zip(x, turned, strict=True):
        a, b = before.reshape(-1, 3), after.reshape(-1, 3)
        matrix = torch.linalg.lstsq(a, b).solution
        torch.testing.assert_close(a @ matrix, b, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(matrix @ matrix.T, torch.eye(3), rtol=1e-4, atol=1e-4)
        angle = math.acos(min(1.0, (matrix.trace().item() - 1) / 2))
        assert 0 < angle <= 3 * 0.3


@pytest.mark.parametrize('axis', [0, 1, 2])
def test_rotation_about_one_axis_keeps_it(axis):
    angles = torch.zeros(1, 3)
    angles[0, axis] = 0.4
    matrix = rotation_matrices(angles)[0]
    assert matrix[axis, axis] == 1 and matrix.trace().item() == pytest.approx(1 + 2 * math.cos(0.4))


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
@pytest.mark.parametrize('stream', ['j', 'bm'])
def test_autocast_changes_no_bit(skeletons, dtype, stream):
    preprocessor = SkeletonPreprocessor('nw-ucla', stream, rotation=0.3)
    found = []
    for enabled in (False, True):
        torch.manual_seed(1)
        with torch.autocast('cpu', dtype, enabled=enabled):
            found.append(run(preprocessor, skeletons, training=True))
    assert torch.equal(*found) and found[1].dtype == torch.float32


def test_an_absent_person_stays_absent(skeletons):
    skeletons[0][:, 1] = 0
    preprocessor = SkeletonPreprocessor('nw-ucla', 'bm', rotation=0.3)
    assert not run(preprocessor, skeletons, training=True)[0][:, 1].any()


@pytest.mark.parametrize(
    'arguments, message',
    [
        (dict(stream='x'), "stream is 'x', it must be one of j, b, jm, bm"),
        (dict(rotation=-1), 'rotation is -1, it must be 0 or more'),
        (dict(layout='ntu'), "no skeleton layout 'ntu'; known: nturgb"),
    ],
)
def test_arguments_are_checked(arguments, message):
    with pytest.raises(InputError, match=message):
        SkeletonPreprocessor(**arguments)


def test_skeletons_that_do_not_fit(skeletons):
    with pytest.raises(InputError, match=r"have 20 joints, the layout 'nturgb\+d' .* has 25"):
        run(SkeletonPreprocessor(), skeletons)
    with pytest.raises(InputError, match='differ in shape'):
        run(SkeletonPreprocessor('nw-ucla'), [skeletons[0], skeletons[1][:, :, :4]])
    flat = [x[..., :2] for x in skeletons]
    with pytest.raises(InputError, match='have 2 coordinates instead of 3: set it to 0'):
        run(SkeletonPreprocessor('nw-ucla', rotation=0.3), flat, training=True)
