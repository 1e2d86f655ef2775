"""HCN: convolutions that take the joints of a skeleton for channels."""

import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from torch import Tensor, nn

from csre_mm.datasets.layouts import get_layout
from csre_mm.models.backbones.skeleton_encoder import check_input, check_skeletons
from csre_mm.models.data_preprocessors.streams import find_valid
from csre_mm.utils.errors import InputError

_STRIDE = 16
"""Four poolings by two, of the frames and of the co-occurrence axis."""


@MODELS.register_module()
class HCN(nn.Module):
    """Hierarchical co-occurrence network.

    Li, Zhong, Xie, Pu: Co-occurrence Feature Learning from Skeleton Data for Action Recognition and
    Detection with Hierarchical Aggregation, IJCAI 2018. Written from the paper; with ``HCNHead``
    the number of parameters and the initialisation are those of the PyTorch release (2,647,868
    parameters on NTU RGB+D 60, a window of 64).

    Two branches see positions and their motion: point by point first, then with the joints as
    channels, so that every filter sees all joints. The feature map has no joint axis; its last
    axis W' is that of the learned co-occurrences. The two branches are one grouped convolution per
    layer, and persons are folded into the batch; the head takes the maximum over the persons. The
    motion to a joint that was not detected (:mod:`csre_mm.datasets.valid_joints`) is zero.

    Args:
        graph_cfg: ``layout``, any that :func:`csre_mm.datasets.layouts.get_layout` takes; of it the
            number of joints V.
        in_channels: Channels C of a joint.
        base_channels: Channels of the first convolution; the feature map has four times as many.
        width: Length W of the co-occurrence axis, in the release the window.
        dropout: Fraction of the channels that is dropped after each of the last three convolutions.

    Shape:
        - Input: (N, M, T, V, C)
        - Output: (N, M, C', T', W'), C' = 4 * base_channels, T' = T // 16, W' = width // 16

    Raises:
        InputError: If ``width`` or the window is below 16, or the input has other joints or
            channels.

    Example:
        >>> import torch
        >>> encoder = HCN(graph_cfg=dict(layout='nturgb+d')).eval()
        >>> encoder(torch.randn(1, 2, 64, 25, 3)).shape  # (N, M, C', T', V')
        torch.Size([1, 2, 256, 4, 4])
    """

    def __init__(
        self,
        graph_cfg: dict,
        in_channels: int = 3,
        base_channels: int = 64,
        width: int = 64,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        if width < _STRIDE or base_channels % 2:
            raise InputError(
                f'model.backbone.width is {width} and base_channels {base_channels}: width must be '
                f'{_STRIDE} or more, base_channels even'
            )
        V, C = get_layout(graph_cfg.get('layout', 'nturgb+d')).num_joints, base_channels
        self.expected = {'graph_cfg.layout': V, 'in_channels': in_channels}
        self.width = width
        self.dropout = dropout
        self.point = nn.Conv2d(2 * in_channels, 2 * C, 1, groups=2)
        self.frames = nn.Conv2d(2 * C, 2 * width, (3, 1), padding=(1, 0), groups=2)
        self.joints = nn.Conv2d(2 * V, C, 3, padding=1, groups=2)
        self.branches = nn.Conv2d(C, 2 * C, 3, padding=1, groups=2)
        self.merge = nn.Conv2d(2 * C, 2 * C, 3, padding=1)
        self.last = nn.Conv2d(2 * C, 4 * C, 3, padding=1)
        for conv in (self.point, self.frames, self.joints, self.branches, self.merge, self.last):
            _init_xavier(conv)

    def forward(self, x: Tensor) -> Tensor:
        """Encode skeletons.

        Args:
            x: (N, M, T, V, C).
        """
        check_input(x, _STRIDE)
        check_skeletons(x, self.expected)
        N, M, T, V, C = x.shape
        x = x.reshape(N * M, T, V, C)
        x = torch.cat((x.permute(0, 3, 1, 2), _motion(x)), 1)  # (N * M, 2 * C, T, V)
        x = self.frames(self.point(x).relu_())  # (N * M, 2 * W, T, V)
        # The joints become channels, and lie last in memory: far faster for so few in a group.
        x = x.view(N * M, 2, self.width, T, V).permute(0, 3, 2, 1, 4)
        x = x.reshape(N * M, T, self.width, 2 * V).permute(0, 3, 1, 2)  # (N * M, 2 * V, T, W)
        x = F.max_pool2d(self.joints(x), 2)
        x = F.max_pool2d(self._drop(self.branches(x)), 2)
        x = F.max_pool2d(self._drop(self.merge(x).relu_()), 2)
        x = F.max_pool2d(self._drop(self.last(x).relu_()), 2)
        return x.reshape(N, M, *x.shape[1:])

    def _drop(self, x: Tensor) -> Tensor:
        return F.dropout2d(x, self.dropout, self.training)


def _motion(x: Tensor) -> Tensor:
    """The differences of neighbouring frames, brought back to T frames by linear interpolation.

    A difference is zero if the joint was not detected in one of its frames.

    Args:
        x: (N, T, V, C).

    Returns:
        (N, C, T, V).
    """
    valid = find_valid(x)
    moving = valid[:, 1:] & valid[:, :-1]
    steps = torch.where(moving, x[:, 1:] - x[:, :-1], 0).permute(0, 3, 1, 2)  # (N, C, T - 1, V)
    return F.interpolate(steps, size=x.shape[1:3], mode='bilinear')


def _init_xavier(conv: nn.Conv2d) -> None:
    """Xavier uniform by the fans of one branch, zero bias."""
    fan_in = conv.weight[0].numel()
    fan_out = conv.out_channels // conv.groups * conv.weight[0, 0].numel()
    bound = (6 / (fan_in + fan_out)) ** 0.5
    nn.init.uniform_(conv.weight, -bound, bound)
    assert conv.bias is not None
    nn.init.zeros_(conv.bias)
