"""Which joints of a skeleton were detected: one rule for every transform and stream.

A joint that was not detected, and so each joint of an absent person, is 0 in all coordinates, or
has the score 0. Transforms leave it at 0, where its bone and its motion are 0, too. Coordinates of
a detected joint that a transform makes 0 are written as -0.0, which is equal to 0 in every
computation: so a detected joint may be at the origin, and only one without any bit set is invalid.
"""

import numpy as np

PIXELS = 10.0
"""Bodies of a larger extent are not in metres, but in pixels, millimetres or centimetres."""


def valid_joints(keypoint: np.ndarray, score: np.ndarray | None = None) -> np.ndarray:
    """Find the joints (..., V, C), with scores (..., V) if there are some, that were detected."""
    bits = keypoint.view(f'i{keypoint.itemsize}')
    if bits.all():  # the usual case, and 10 times as fast
        valid = np.ones(keypoint.shape[:-1], bool)
    else:
        valid = bits[..., 0] != 0
        for axis in range(1, bits.shape[-1]):
            valid |= bits[..., axis] != 0
    return valid if score is None else valid & (score > 0)


def keep_valid(keypoint: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Write, in place, joints that were not detected as 0, and zeros of the others as -0.0.

    The coordinates (..., V, C) are of a floating-point type, the mask is (..., V).
    """
    zero = keypoint == 0
    if zero.any():
        keypoint[zero] = -0.0
    if not valid.all():
        keypoint[~valid] = 0
    return keypoint


def body_extent(keypoint: np.ndarray, valid: np.ndarray) -> float:
    """Largest side of the first person of (M, T, V, C) in the first frame; NaN of nobody."""
    present = valid.any(axis=2)
    first = np.unravel_index(present.argmax(), present.shape)
    body = keypoint[first][valid[first]].astype(np.float64)  # (joints, C)
    return float(np.ptp(body, axis=0).max()) if len(body) else float('nan')


def find_no_pixels(keypoint: np.ndarray) -> str | None:
    """What shows that coordinates (M, T, V, C) are no pixels x, y, perhaps with a score as third.

    Scores of some estimators go beyond 1. Nobody (all zero) shows nothing.
    """
    places, third = keypoint[..., :2], keypoint[..., 2:]
    small = keypoint.any() and np.abs(places).max() <= PIXELS
    if not small and (not third.size or 0 <= third.min() <= third.max() <= PIXELS):
        return None
    found, what = (places, 'first two') if small else (third, 'third')
    return (
        f'PreNormalize2D takes pixels, the {what} coordinates of the skeleton run from '
        f'{found.min():g} to {found.max():g}: give pixels, or remove the transform (data.planar)'
    )


def find_origin(keypoint: np.ndarray, valid: np.ndarray, joint: int) -> np.ndarray:
    """A joint of the first person of (M, T, V, C), in the first frame that has it: (C,).

    If it is never detected, the centroid of the person's other joints in the first frame.
    """
    person = int(np.argmax(valid.any(axis=(1, 2))))
    detected = valid[person, :, joint]
    if detected.any() or not valid.any():
        return keypoint[person, int(detected.argmax()), joint]
    first = int(valid[person].any(axis=1).argmax())
    return keypoint[person, first, valid[person, first]].mean(axis=0)
