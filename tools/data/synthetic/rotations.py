"""Rotation matrices about the axes, a stack at a time."""

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


def about(axis: str, degrees: FloatArray | float) -> FloatArray:
    """Right-handed rotations about one axis.

    Args:
        axis: ``'x'``, ``'y'`` or ``'z'``.
        degrees: The angles, of any shape.

    Returns:
        Matrices that turn column vectors, shape of ``degrees`` + (3, 3).
    """
    angle = np.deg2rad(np.asarray(degrees, dtype=np.float64))
    first, second = {'x': (1, 2), 'y': (2, 0), 'z': (0, 1)}[axis]
    matrix = np.zeros((*angle.shape, 3, 3))
    matrix[..., range(3), range(3)] = 1
    matrix[..., first, first] = matrix[..., second, second] = np.cos(angle)
    matrix[..., second, first] = np.sin(angle)
    matrix[..., first, second] = -np.sin(angle)
    return matrix


def quaternions(matrices: FloatArray) -> FloatArray:
    """Turn rotation matrices into unit quaternions.

    Shape:
        matrices: (..., 3, 3).
        Returns: (..., 4), ordered w x y z with w >= 0.
    """
    # The symmetric 4 x 4 matrix 4 q q^T, from which the row with the largest diagonal is stable.
    r = matrices
    outer = np.empty((*r.shape[:-2], 4, 4))
    trace = np.trace(r, axis1=-2, axis2=-1)
    outer[..., 0, 0] = 1 + trace
    for i, (j, k) in enumerate(((1, 2), (2, 0), (0, 1))):
        outer[..., i + 1, i + 1] = 1 - trace + 2 * r[..., i, i]
        outer[..., 0, i + 1] = outer[..., i + 1, 0] = r[..., k, j] - r[..., j, k]
        outer[..., j + 1, k + 1] = outer[..., k + 1, j + 1] = r[..., j, k] + r[..., k, j]
    largest = np.einsum('...ii->...i', outer).argmax(-1)
    q = np.take_along_axis(outer, largest[..., None, None], axis=-2)[..., 0, :]
    q /= np.linalg.norm(q, axis=-1, keepdims=True)
    return np.where(q[..., :1] < 0, -q, q)
