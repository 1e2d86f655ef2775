"""The four streams of skeleton recognition, and rotations, on a batch at once."""

import torch
from torch import Tensor

STREAMS = ('j', 'b', 'jm', 'bm')  # joint, bone, joint motion, bone motion


def find_valid(x: Tensor) -> Tensor:
    """The joints (..., V, C) that were detected, as :func:`valid_joints`: a mask (..., V, 1)."""
    inverse = x.reciprocal()  # infinite of 0, minus infinity of -0.0: in ONNX, too
    valid = inverse[..., :1] != torch.inf
    for axis in range(1, x.shape[-1]):
        valid = valid | (inverse[..., axis : axis + 1] != torch.inf)
    return valid


def keep_valid(x: Tensor, valid: Tensor) -> Tensor:
    """Write zeros of (..., V, C) as :func:`find_valid` reads them: -0.0 in a valid joint."""
    return torch.where(x == 0, torch.where(valid, -0.0, 0.0), x)


def track_joint(x: Tensor, valid: Tensor, joint: int) -> Tensor:
    """A joint in each frame (..., T, 1, C); where it is missing, in the last frame that has it.

    Before its first frame it is as in that one; zero if no frame has it. The coordinates are (...,
    T, V, C), the mask (..., T, V, 1).
    """
    x, seen = x[..., joint, :], valid[..., joint, :]  # (..., T, C), (..., T, 1)
    first = seen.byte().argmax(-2, keepdim=True)  # (..., 1, 1)
    frames = torch.arange(x.shape[-2], device=x.device)[:, None]  # (T, 1)
    newest = torch.where(seen, frames, first).cummax(-2).values
    return x.gather(-2, newest.expand_as(x)).unsqueeze(-2)


def bones(x: Tensor, parents: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
    """From joints (..., V, C) to bones, each minus its parent; a joint that is its own has none.

    The bones are zero without one of their joints. The mask (..., V, 1) becomes that of the bones.
    """
    valid = valid & valid.index_select(-2, parents)
    return torch.where(valid, x - x.index_select(-2, parents), 0), valid


def motion(x: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
    """The forward difference of (..., T, V, C) in time; zero in the last frame.

    It is zero where one of the two frames is not valid. The mask (..., T, V, 1) follows; that of
    the last frame stays.
    """
    moving = valid.clone()
    torch.logical_and(valid[..., 1:, :, :], valid[..., :-1, :, :], out=moving[..., :-1, :, :])
    result = torch.zeros_like(x)
    torch.sub(x[..., 1:, :, :], x[..., :-1, :, :], out=result[..., :-1, :, :])
    return torch.where(moving, result, 0), moving


def score_of_stream(score: Tensor, stream: str, parents: Tensor) -> Tensor:
    """The confidence (..., T, V, 1) of a stream: the mean over a bone's joints, over two frames."""
    if 'b' in stream:
        score = (score + score.index_select(-2, parents)) / 2
    if 'm' in stream:
        mean = torch.zeros_like(score)
        mean[..., :-1, :, :] = (score[..., 1:, :, :] + score[..., :-1, :, :]) / 2
        score = mean
    return score


def rotation_matrices(angles: Tensor) -> Tensor:
    """Rotate about x, then y, then z, by angles (N, 3) in radians: (N, 3, 3), for columns."""
    cos, sin = angles.cos(), angles.sin()
    one, zero = torch.ones_like(cos[:, 0]), torch.zeros_like(cos[:, 0])

    def matrix(*entries: Tensor) -> Tensor:
        return torch.stack(entries, -1).view(-1, 3, 3)

    (cx, cy, cz), (sx, sy, sz) = cos.unbind(1), sin.unbind(1)
    about_x = matrix(one, zero, zero, zero, cx, sx, zero, -sx, cx)
    about_y = matrix(cy, zero, -sy, zero, one, zero, sy, zero, cy)
    about_z = matrix(cz, sz, zero, -sz, cz, zero, zero, zero, one)
    return about_z @ about_y @ about_x
