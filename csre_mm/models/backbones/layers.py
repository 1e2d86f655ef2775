"""Convolutions of the graph encoders, and how they start."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from csre_mm.utils.errors import InputError


def init_conv(conv: nn.modules.conv._ConvNd, fan_out: int) -> None:
    """Kaiming normal by a fan-out that, for joined convolutions, is the one of a part."""
    nn.init.normal_(conv.weight, 0, math.sqrt(2 / fan_out))
    if conv.bias is not None:
        nn.init.zeros_(conv.bias)


_SAFE_CHANNELS = 16


class PointConv(nn.Conv2d):
    """A 1x1 convolution with a stride in time, from (N, C, T, V) to (N, C', ceil(T / stride), V).

    Where a gradient of few channels may be asked for, the frames are chosen before the convolution:
    with AVX-512 and fewer than 16 channels the gradient of oneDNN's own strided 1x1 convolution
    writes past its memory (uxlfoundation/oneDNN, issue 6035).
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__(in_channels, out_channels, 1, stride=(stride, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Convolve the frames that are kept."""
        stride = int(self.stride[0])
        if stride == 1 or self.in_channels >= _SAFE_CHANNELS or not torch.is_grad_enabled():
            return super().forward(x)
        return F.conv2d(x[:, :, ::stride], self.weight, self.bias)


def conv_bn(
    in_channels: int, out_channels: int, kernel_size: int, stride: int = 1
) -> nn.Sequential:
    """A convolution over an odd number of frames, and its normalisation."""
    conv = nn.Conv2d(
        in_channels,
        out_channels,
        (kernel_size, 1),
        stride=(stride, 1),
        padding=((kernel_size - 1) // 2, 0),
    )
    init_conv(conv, out_channels * kernel_size)
    return nn.Sequential(conv, nn.BatchNorm2d(out_channels))


def residual(in_channels: int, out_channels: int, stride: int = 1) -> nn.Module:
    """A residual connection: the identity if the shape stays, else a 1x1 convolution."""
    if in_channels == out_channels and stride == 1:
        return nn.Identity()
    conv = PointConv(in_channels, out_channels, stride)
    init_conv(conv, out_channels)
    return nn.Sequential(conv, nn.BatchNorm2d(out_channels))


class MultiScaleTemporalConv(nn.Module):
    """Temporal convolutions of several dilations, a max pooling and a 1x1 convolution, joined.

    CTR-GCN (Chen et al., ICCV 2021), after MS-G3D; from (N, C, T, V) to (N, out_channels, ceil(T /
    stride), V). Each branch but the last squeezes the channels by a 1x1 convolution first; these
    convolutions are one convolution here, and the normalisations at the ends of the branches are
    one over the joined channels: the same network in fewer, larger steps. The output lies in memory
    with the channels last, where convolutions and pooling of a CPU are faster.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int = 5,
        stride: int = 1,
        dilations: tuple[int, ...] = (1, 2),
    ) -> None:
        super().__init__()
        num_branches = len(dilations) + 2
        if out_channels % num_branches:
            raise InputError(
                f'model.backbone: {out_channels} channels do not divide into the {num_branches} '
                'branches of the temporal convolution; change base_channels'
            )
        width = out_channels // num_branches
        squeezed = width * (num_branches - 1)
        self.width = width
        self.squeeze = nn.Conv2d(in_channels, squeezed, 1)
        self.squeeze_bn = nn.BatchNorm2d(squeezed)
        self.convs = nn.ModuleList(
            nn.Conv2d(
                width,
                width,
                (kernel_size, 1),
                stride=(stride, 1),
                padding=((kernel_size - 1) * dilation // 2, 0),
                dilation=(dilation, 1),
            )
            for dilation in dilations
        )
        self.pool = nn.MaxPool2d((3, 1), stride=(stride, 1), padding=(1, 0))
        self.point = PointConv(in_channels, width, stride)
        self.bn = nn.BatchNorm2d(out_channels)
        self._init_weights()

    def _init_weights(self) -> None:
        """Kaiming normal by the fan-out of each branch; scales of the norms N(1, 0.02)."""
        for conv in (self.squeeze, self.point, *self.convs):
            init_conv(conv, self.width * conv.kernel_size[0])
        for norm in (self.squeeze_bn, self.bn):
            nn.init.normal_(norm.weight, 1, 0.02)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve (N, C, T, V) in time."""
        x = x.contiguous(memory_format=torch.channels_last)
        parts = self.squeeze_bn(self.squeeze(x)).relu_().split(self.width, 1)
        branches = [conv(part) for conv, part in zip(self.convs, parts[:-1], strict=True)]
        branches += [self.pool(parts[-1]), self.point(x)]
        return self.bn(torch.cat(branches, 1))
