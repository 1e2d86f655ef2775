"""Convolutions as the graph encoders start them."""

import math

from torch import nn


def init_conv(conv: nn.modules.conv._ConvNd, fan_out: int) -> None:
    """Kaiming normal by a fan-out that, for joined convolutions, is the one of a part."""
    nn.init.normal_(conv.weight, 0, math.sqrt(2 / fan_out))
    if conv.bias is not None:
        nn.init.zeros_(conv.bias)


def conv_bn(
    in_channels: int, out_channels: int, kernel_size: int = 1, stride: int = 1
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
    return conv_bn(in_channels, out_channels, stride=stride)
