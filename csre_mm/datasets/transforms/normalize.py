"""The origin of a skeleton sequence, and the range of its coordinates."""

import numpy as np
from mmaction.registry import TRANSFORMS

from csre_mm.datasets.transforms.sample_frames import Transform, take_frames
from csre_mm.datasets.valid_joints import find_origin, keep_valid, valid_joints
from csre_mm.utils.errors import InputError


def _check_joint(joint: int, keypoint: np.ndarray, where: str) -> None:
    if not 0 <= joint < keypoint.shape[2]:
        raise InputError(
            f'{where} has joint {joint}, the skeletons have {keypoint.shape[2]} joints'
        )


@TRANSFORMS.register_module()
class CenterSkeleton(Transform):
    """Drop frames without a body and put the origin at a joint of the first one.

    The recipe of CTR-GCN for NTU RGB+D: the origin is the middle of the spine of the first person
    who is present in any frame, in the first frame with that joint. Joints that were not detected,
    and so a person who is absent from a frame, stay zero (:mod:`csre_mm.datasets.valid_joints`).

    Required keys: ``keypoint`` (M, T, V, C). Modified keys: ``keypoint`` (float32),
    ``keypoint_score`` (its frames) if present, ``total_frames``.

    Args:
        joint: Index of the joint that becomes the origin; 1 is the middle of the spine.

    Example:
        >>> import numpy as np
        >>> sample = {'keypoint': np.full((1, 2, 25, 3), 4.0)}
        >>> bool(CenterSkeleton(joint=1).transform(sample)['keypoint'].any())
        False
    """

    def __init__(self, joint: int = 1) -> None:
        self.joint = joint

    def transform(self, results: dict) -> dict:
        """Centre one sequence."""
        keypoint = results['keypoint'] = np.asarray(results['keypoint'], dtype=np.float32)
        _check_joint(self.joint, keypoint, 'CenterSkeleton')
        valid = valid_joints(keypoint, results.get('keypoint_score'))  # (M, T, V)
        some: np.ndarray = np.any(valid, axis=(0, 2))
        if not some.all() and some.any():
            take_frames(results, some)
            keypoint, valid = results['keypoint'], valid[:, some]
        centred = keypoint - find_origin(keypoint, valid, self.joint)
        results['keypoint'] = keep_valid(centred, valid)
        results['total_frames'] = keypoint.shape[1]
        return results


@TRANSFORMS.register_module()
class NormalizeRange(Transform):
    """The NW-UCLA recipe: rotate about two axes, then stretch each axis to [-1, 1] over the clip.

    In training the sequence is rotated about x and y by angles drawn uniformly from -rotation to
    rotation and scaled by a factor drawn from ``scale``. The stretching undoes the scale, which is
    drawn as in the published recipe. An axis without extent becomes zero. Joints that were not
    detected do not count for the range and stay zero.

    Required keys: ``keypoint`` (M, T, V, 3). Modified keys: ``keypoint`` (float32).

    Args:
        joint: Joint of the first person that is the origin, in the first frame that has it.
        rotation: Largest angle in degrees; 0 in testing.
        scale: Smallest and largest factor.

    Example:
        >>> import numpy as np
        >>> sample = {'keypoint': np.random.default_rng(0).normal(size=(1, 30, 20, 3))}
        >>> keypoint = NormalizeRange(joint=1).transform(sample)['keypoint']
        >>> float(keypoint.min()), float(keypoint.max())
        (-1.0, 1.0)
    """

    def __init__(
        self, joint: int = 1, rotation: float = 0.0, scale: tuple[float, float] = (1.0, 1.0)
    ) -> None:
        self.joint = joint
        self.rotation = rotation
        self.scale = scale

    def transform(self, results: dict) -> dict:
        """Normalise one sequence."""
        keypoint = np.asarray(results['keypoint'], dtype=np.float32)
        _check_joint(self.joint, keypoint, 'NormalizeRange')
        valid = valid_joints(keypoint, results.get('keypoint_score'))
        keypoint = keypoint - find_origin(keypoint, valid, self.joint)
        if self.rotation:
            keypoint = keypoint @ self._random_matrix()
        some = keypoint[valid] if valid.any() else keypoint[:1, 0, 0]
        axes = np.ascontiguousarray(some.T)  # (3, joints): faster to reduce
        low, high = axes.min(axis=1), axes.max(axis=1)  # (3,)
        extent = np.where(high > low, high - low, 1)
        stretched = (keypoint - low) / extent * 2 - 1
        stretched = np.where(high > low, stretched, 0).astype(np.float32)
        results['keypoint'] = keep_valid(stretched, valid)
        return results

    def _random_matrix(self) -> np.ndarray:
        """A rotation about y, then x, and a scale, for row vectors: (3, 3)."""
        about_x, about_y = np.radians(np.random.uniform(-self.rotation, self.rotation, 2))
        cx, sx, cy, sy = np.cos(about_x), np.sin(about_x), np.cos(about_y), np.sin(about_y)
        turn_x = np.array([[1, 0, 0], [0, cx, sx], [0, -sx, cx]])
        turn_y = np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]])
        matrix = turn_y @ turn_x * np.random.uniform(*self.scale)
        return matrix.astype(np.float32)
