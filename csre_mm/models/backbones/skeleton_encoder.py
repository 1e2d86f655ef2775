"""What the graph encoders have in common: input normalisation, stages, and the output."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor, nn

from csre_mm.models.backbones.layers import residual
from csre_mm.utils.errors import InputError

_AXES = {
    'num_person': (1, 'persons'),
    'graph_cfg.layout': (3, 'joints'),
    'in_channels': (4, 'channels'),
}
"""Axis and name of what a key of the encoder stands for."""


def check_skeletons(x: Tensor, expected: dict[str, int]) -> None:
    """Check the axes of a batch of skeletons.

    Args:
        x: (N, M, T, V, C).
        expected: Sizes by the encoder's key: ``num_person``, ``graph_cfg.layout``, ``in_channels``.

    Raises:
        InputError: If a size is another.
    """
    for key, size in expected.items():
        axis, name = _AXES[key]
        if x.shape[axis] != size:
            raise InputError(
                f'the skeletons have {x.shape[axis]} {name}, model.backbone.{key} stands for {size}'
            )


class SkeletonInput(nn.Module):
    """Normalise each channel of each joint of each person over the batch and time.

    Args:
        num_person: Persons M.
        num_joints: Joints V.
        in_channels: Channels C.

    Shape:
        - Input: (N, M, T, V, C)
        - Output: (N * M, C, T, V), in memory with the channels last

    Raises:
        InputError: If M, V or C of an input is another.
    """

    def __init__(self, num_person: int, num_joints: int, in_channels: int) -> None:
        super().__init__()
        self.expected = {
            'num_person': num_person,
            'graph_cfg.layout': num_joints,
            'in_channels': in_channels,
        }
        self.bn = nn.BatchNorm1d(num_person * num_joints * in_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise a batch of skeletons (N, M, T, V, C)."""
        check_skeletons(x, self.expected)
        N, M, T, V, C = x.shape
        x = x.transpose(1, 2).reshape(N * T, M * V * C)
        x = self.bn(x).view(N, T, M, V, C).transpose(1, 2)
        return x.reshape(N * M, T, V, C).permute(0, 3, 1, 2)


class Stage(NamedTuple):
    """One block of an encoder.

    Args:
        number: Its place, counted from one.
        in_channels: Channels of its input.
        out_channels: Channels of its output.
        stride: Its temporal stride.
    """

    number: int
    in_channels: int
    out_channels: int
    stride: int


def plan_stages(
    in_channels: int,
    base_channels: int,
    num_stages: int,
    inflate_stages: tuple[int, ...],
    down_stages: tuple[int, ...],
) -> list[Stage]:
    """Plan blocks, some of which double the channels or halve the frames.

    Args:
        in_channels: Channels of the first block's input.
        base_channels: Channels of the first block's output.
        num_stages: Number of blocks.
        inflate_stages: Blocks, counted from one, that double the channels.
        down_stages: Blocks that halve the frames.
    """
    stages, channels, out_channels = [], in_channels, base_channels
    for number in range(1, num_stages + 1):
        out_channels *= 2 if number in inflate_stages else 1
        stages.append(Stage(number, channels, out_channels, 2 if number in down_stages else 1))
        channels = out_channels
    return stages


class GraphBlock(nn.Module):
    """A graph convolution, then a temporal convolution, with a residual connection.

    Args:
        stage: Channels and stride.
        gcn: The graph convolution, which takes the channels to those of the output.
        tcn: The temporal convolution, which has the stride.
        with_residual: Whether there is a residual connection.

    Shape:
        - Input: (N, C, T, V)
        - Output: (N, out_channels, ceil(T / stride), V)
    """

    def __init__(
        self, stage: Stage, gcn: nn.Module, tcn: nn.Module, with_residual: bool = True
    ) -> None:
        super().__init__()
        _, channels, out_channels, stride = stage
        self.gcn = gcn
        self.tcn = tcn
        self.residual = residual(channels, out_channels, stride) if with_residual else None

    def forward(self, x: Tensor) -> Tensor:
        """Convolve over the graph, then in time."""
        y = self.tcn(self.gcn(x))
        if self.residual is not None:
            y = y + self.residual(x)
        return y.relu_()


class SkeletonEncoder(nn.Module):
    """A stem that joins persons and samples, then blocks.

    Args:
        stem: From skeletons (N, M, T, V, C) to a feature map (N * M, C, T, V).
        blocks: From a feature map to a feature map.
        stages: The plan of the blocks, for their strides.

    Shape:
        - Input: (N, M, T, V, C)
        - Output: (N, M, C', T', V)

    Raises:
        InputError: If the input is of another shape, or has fewer frames than the strides need.
    """

    def __init__(self, stem: nn.Module, blocks: Sequence[nn.Module], stages: list[Stage]) -> None:
        super().__init__()
        self.input = stem
        self.blocks = nn.ModuleList(blocks)
        self.stride = math.prod(stage.stride for stage in stages)

    def forward(self, x: Tensor) -> Tensor:
        """Encode skeletons.

        Args:
            x: (N, M, T, V, C).
        """
        check_input(x, self.stride)
        N, M = x.shape[:2]
        x = self.input(x)  # (N * M, C, T, V)
        for block in self.blocks:
            x = block(x)
        return x.reshape(N, M, *x.shape[1:])


def check_input(x: Tensor, stride: int) -> None:
    """Check the axes and the window of an encoder's input.

    Args:
        x: Skeletons (N, M, T, V, C).
        stride: Frames of the input for one of the output.

    Raises:
        InputError: If there are not five axes, or fewer frames than ``stride``.
    """
    if x.ndim != 5:
        raise InputError(
            f'the encoder takes (N, M, T, V, C), not {x.ndim} axes; does the pipeline end in '
            'FormatGCNInput and PackActionInputs?'
        )
    if x.shape[2] < stride:
        raise InputError(
            f'the clips have {x.shape[2]} frames, the encoder makes one of {stride}: set '
            f'clip_len of the pipelines to {stride} or more'
        )


def check_divides(key: str, parts: int, channels: int) -> None:
    """Check that channels fall into equal parts.

    Args:
        key: The encoder's argument that says into how many.
        parts: Its value.
        channels: The channels to be divided.

    Raises:
        InputError: If they do not.
    """
    if parts < 1 or channels % parts:
        raise InputError(
            f'model.backbone.{key} is {parts}, which does not divide the {channels} channels: '
            f'change it or base_channels'
        )
