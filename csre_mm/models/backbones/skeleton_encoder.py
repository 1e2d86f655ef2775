"""What the graph encoders have in common: input normalisation, stages, and the output."""

import math
from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from torch import Tensor, nn

from csre_mm.models.backbones.graphs import spatial_subsets
from csre_mm.models.backbones.layers import residual
from csre_mm.utils.errors import InputError

_AXES = {
    'num_person': (1, 'persons'),
    'graph_cfg.layout': (3, 'joints'),
    'in_channels': (4, 'channels'),
}
"""Axis and name of what a key of the encoder stands for."""


def check_skeletons(x: Tensor, expected: dict[str, int]) -> None:
    """Check axes of skeletons (N, M, T, V, C), the expected sizes by the encoder's keys."""
    for key, size in expected.items():
        axis, name = _AXES[key]
        if x.shape[axis] != size:
            raise InputError(
                f'the skeletons have {x.shape[axis]} {name}, model.backbone.{key} stands for {size}'
            )


class SkeletonInput(nn.Module):
    """Normalise each channel of each joint of each person over the batch and time.

    From (N, M, T, V, C) to (N * M, C, T, V), in memory with the channels last.
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
    """One block of an encoder."""

    number: int  # counted from one
    in_channels: int
    out_channels: int
    stride: int  # in time


def plan_stages(
    in_channels: int,
    base_channels: int,
    num_stages: int,
    inflate_stages: tuple[int, ...],
    down_stages: tuple[int, ...],
) -> list[Stage]:
    """Plan blocks; those of the numbers given double the channels or halve the frames."""
    stages, channels, out_channels = [], in_channels, base_channels
    for number in range(1, num_stages + 1):
        out_channels *= 2 if number in inflate_stages else 1
        stages.append(Stage(number, channels, out_channels, 2 if number in down_stages else 1))
        channels = out_channels
    return stages


class GraphBlock(nn.Module):
    """A graph convolution, then a temporal one with the stride of the stage, and a residual.

    From (N, C, T, V) to (N, out_channels, ceil(T / stride), V).
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

    From (N, M, T, V, C) through (N * M, C, T, V) to (N, M, C', T', V). An input of another shape,
    or of fewer frames than the strides need, is an ``InputError``.
    """

    def __init__(self, stem: nn.Module, blocks: Sequence[nn.Module], stages: list[Stage]) -> None:
        super().__init__()
        self.input = stem
        self.blocks = nn.ModuleList(blocks)
        self.stride = math.prod(stage.stride for stage in stages)

    def forward(self, x: Tensor) -> Tensor:
        """Encode skeletons (N, M, T, V, C)."""
        check_input(x, self.stride)
        N, M = x.shape[:2]
        x = self.input(x)  # (N * M, C, T, V)
        for block in self.blocks:
            x = block(x)
        return x.reshape(N, M, *x.shape[1:])


class SpatialEncoder(SkeletonEncoder):
    """An encoder whose blocks see the spatial subsets of a graph, as :class:`AGCN`."""

    block: ClassVar[type[nn.Module]]
    """Makes a block of its :class:`Stage` and the subsets (K, V, V)."""

    def __init__(
        self,
        graph_cfg: dict,
        in_channels: int = 3,
        num_person: int = 2,
        base_channels: int = 64,
        num_stages: int = 10,
        inflate_stages: tuple[int, ...] = (5, 8),
        down_stages: tuple[int, ...] = (5, 8),
    ) -> None:
        layout, A = spatial_subsets(graph_cfg)
        stages = plan_stages(in_channels, base_channels, num_stages, inflate_stages, down_stages)
        stem = SkeletonInput(num_person, layout.num_joints, in_channels)
        super().__init__(stem, [self.block(stage, A) for stage in stages], stages)


def check_input(x: Tensor, stride: int) -> None:
    """Insist on (N, M, T, V, C) with a frame of output at least."""
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
    """Insist on a number of parts, an argument of the encoder, that divides the channels."""
    if parts < 1 or channels % parts:
        raise InputError(
            f'model.backbone.{key} is {parts}, which does not divide the {channels} channels: '
            f'change it or base_channels'
        )
