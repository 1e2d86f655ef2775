"""The four streams of skeleton recognition, and rotations, on a batch at once."""

import torch
from torch import Tensor

STREAMS = ('j', 'b', 'jm', 'bm')
"""Joint, bone, joint motion, bone motion."""


def bones(x: Tensor, parents: Tensor) -> Tensor:
    """From coordinates to bones: each joint minus its parent.

    Args:
        x: (..., V, C).
        parents: The parent of each joint (V,); a joint that is its own has the bone zero.
    """
    return x - x.index_select(-2, parents)


def motion(x: Tensor) -> Tensor:
    """The forward difference in time; zero in the last frame.

    Args:
        x: (..., T, V, C).
    """
    result = torch.zeros_like(x)
    torch.sub(x[..., 1:, :, :], x[..., :-1, :, :], out=result[..., :-1, :, :])
    return result


def score_of_stream(score: Tensor, stream: str, parents: Tensor) -> Tensor:
    """The confidence of what a stream is made of: the mean over a bone's joints, over two frames.

    Args:
        score: Confidence of the joints (..., T, V, 1).
        stream: One of :data:`STREAMS`.
        parents: The parent of each joint (V,).
    """
    if 'b' in stream:
        score = (score + score.index_select(-2, parents)) / 2
    if 'm' in stream:
        mean = torch.zeros_like(score)
        mean[..., :-1, :, :] = (score[..., 1:, :, :] + score[..., :-1, :, :]) / 2
        score = mean
    return score


def rotation_matrices(angles: Tensor) -> Tensor:
    """Rotate about x, then y, then z.

    Args:
        angles: (N, 3) in radians.

    Returns:
        (N, 3, 3), to be multiplied to column vectors from the left.
    """
    cos, sin = angles.cos(), angles.sin()
    one, zero = torch.ones_like(cos[:, 0]), torch.zeros_like(cos[:, 0])

    def matrix(*entries: Tensor) -> Tensor:
        return torch.stack(entries, -1).view(-1, 3, 3)

    (cx, cy, cz), (sx, sy, sz) = cos.unbind(1), sin.unbind(1)
    about_x = matrix(one, zero, zero, zero, cx, sx, zero, -sx, cx)
    about_y = matrix(cy, zero, -sy, zero, one, zero, sy, zero, cy)
    about_z = matrix(cz, sz, zero, -sz, cz, zero, zero, zero, one)
    return about_z @ about_y @ about_x
