"""The shape of an encoder's feature map, found by a dry run."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from csre_mm.utils.errors import InputError, one_line


class FeatureMap(NamedTuple):
    """What ``CSRENeck`` has to know of a feature map."""

    in_channels: int  # C
    num_frames: int  # T
    num_joints: int  # V, or places H * W without a person axis
    with_persons: bool  # whether there is a person axis


@torch.no_grad()
def find_feature_map(encoder: nn.Module, clips: Tensor, heatmaps: bool = False) -> FeatureMap:
    """Run an encoder once, in evaluation mode, on clips (N, M, T, V, C) or heatmaps.

    Raises:
        InputError: If it fails, or gives something else than a feature map.
    """
    training = encoder.training
    name = type(encoder).__name__
    encoder.eval()
    try:
        x = encoder(clips)
    except (RuntimeError, ValueError, IndexError, AssertionError) as error:
        raise InputError(
            f'{name} does not take clips of the shape {tuple(clips.shape)}: {one_line(error)}'
        ) from error
    finally:
        encoder.train(training)
    shape = tuple(x.shape) if isinstance(x, Tensor) else ()
    if heatmaps and len(shape) == 5:  # (N, C, T, H, W)
        return FeatureMap(shape[1], shape[2], shape[3] * shape[4], with_persons=False)
    if not heatmaps and len(shape) == 5 and shape[:2] == tuple(clips.shape[:2]):
        return FeatureMap(*shape[2:], with_persons=True)  # (N, M, C, T, V)
    if not heatmaps and len(shape) == 4 and shape[0] in (len(clips), clips[:, :, 0, 0, 0].numel()):
        return FeatureMap(*shape[1:], with_persons=False)  # (N, C, T, V) or (N * M, C, T, V)
    found = shape or type(x).__name__
    raise InputError(
        f'{name} gives {found} for clips of the shape {tuple(clips.shape)}, CSRE needs a feature '
        'map (N, M, C, T, V), (N, C, T, V) or (N, C, T, H, W)'
    )


def check_numbers(given: dict, found: FeatureMap) -> None:
    """Compare the arguments of a neck with the feature map of its encoder."""
    right = found._asdict()
    wrong = [key for key in right if given.get(key, right[key]) != right[key]]
    if wrong:
        numbers = ', '.join(f'{key}={value}' for key, value in right.items())
        raise InputError(
            f'model.neck.{wrong[0]} is {given[wrong[0]]}, the encoder gives a feature map of '
            f'{numbers}: leave these keys out, or set them so'
        )
