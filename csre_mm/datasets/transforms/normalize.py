"""Where a skeleton sequence has its origin, and its size."""

import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from csre_mm.datasets.transforms.sample_frames import take_frames
from csre_mm.utils.errors import InputError


def _check_joint(joint: int, keypoint: np.ndarray, where: str) -> None:
    if not 0 <= joint < keypoint.shape[2]:
        raise InputError(
            f'{where} has joint {joint}, the skeletons have {keypoint.shape[2]} joints'
        )


@TRANSFORMS.register_module()
class CenterSkeleton(BaseTransform):
    """Drop frames without a body and put the origin at a joint of the first one.

    The recipe of CTR-GCN for NTU RGB+D: the origin is the middle of the spine of the first person
    who is present at all, in the first frame in which that person is. A person who is absent from a
    frame has zeros there and keeps them.

    Required keys: ``keypoint`` (M, T, V, C). Modified keys: ``keypoint`` (float32),
    ``keypoint_score`` (its frames) if there, ``total_frames``.

    Args:
        joint: Index of the joint that becomes the origin; 1 is the middle of the spine.

    Example:
        >>> import numpy as np
        >>> sample = {'keypoint': np.full((1, 2, 25, 3), 4.0)}
        >>> CenterSkeleton(joint=1).transform(sample)['keypoint'].max()
        np.float32(0.0)
    """

    def __init__(self, joint: int = 1) -> None:
        self.joint = joint

    def transform(self, results: dict) -> dict:
        """Centre one sequence."""
        keypoint = results['keypoint'] = np.asarray(results['keypoint'], dtype=np.float32)
        _check_joint(self.joint, keypoint, 'CenterSkeleton')
        there: np.ndarray = (keypoint != 0).any(axis=(2, 3))  # (M, T)
        some: np.ndarray = np.any(there, axis=0)
        if not some.all() and some.any():
            take_frames(results, some)
            keypoint, there = results['keypoint'], there[:, some]
        person = int(np.argmax(there.any(axis=1)))
        origin = keypoint[person, int(there[person].argmax()), self.joint]  # (C,)
        results['keypoint'] = (keypoint - origin) * there[:, :, None, None]
        results['total_frames'] = keypoint.shape[1]
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(joint={self.joint})'


@TRANSFORMS.register_module()
class NormalizeRange(BaseTransform):
    """The NW-UCLA recipe: turn about two axes, then stretch each axis to [-1, 1] over the clip.

    In training the sequence is rotated about x and y by angles drawn uniformly from -rotation to
    rotation and scaled by a factor drawn from ``scale``. The stretching undoes the scale; it is
    drawn because the published recipe has it. An axis of no extent becomes zero.

    Required keys: ``keypoint`` (M, T, V, 3). Modified keys: ``keypoint`` (float32).

    Args:
        joint: Joint of the first person whose place in the first frame becomes the origin.
        rotation: Largest angle in degrees; 0, as in testing, for none.
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
        keypoint = keypoint - keypoint[0, 0, self.joint]
        if self.rotation:
            keypoint = keypoint @ self._random_matrix()
        low, high = keypoint.min(axis=(0, 1, 2)), keypoint.max(axis=(0, 1, 2))  # (3,)
        extent = np.where(high > low, high - low, 1)
        stretched = (keypoint - low) / extent * 2 - 1
        results['keypoint'] = np.where(high > low, stretched, 0).astype(np.float32)
        return results

    def _random_matrix(self) -> np.ndarray:
        """A rotation about y, then x, and a scale, for row vectors: (3, 3)."""
        about_x, about_y = np.radians(np.random.uniform(-self.rotation, self.rotation, 2))
        cx, sx, cy, sy = np.cos(about_x), np.sin(about_x), np.cos(about_y), np.sin(about_y)
        turn_x = np.array([[1, 0, 0], [0, cx, sx], [0, -sx, cx]])
        turn_y = np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]])
        matrix = turn_y @ turn_x * np.random.uniform(*self.scale)
        return matrix.astype(np.float32)

    def __repr__(self) -> str:
        name = type(self).__name__
        return f'{name}(joint={self.joint}, rotation={self.rotation}, scale={self.scale})'
