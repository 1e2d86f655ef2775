"""2s-AGCN: a graph that is learned, and completed by attention for each sample."""

import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from torch import Tensor, nn

from csre_mm.models.backbones.layers import conv_bn, init_conv, residual
from csre_mm.models.backbones.skeleton_encoder import GraphBlock, SpatialEncoder, Stage

_START = 1e-6  # where the learned part of the graph, and the scale of the graph convolution, begin


class AdaptiveGraphConv(nn.Module):
    r"""Graph convolution of (N, C, T, V) along a fixed, a learned and an attended topology.

    For each of the K subsets the features are gathered along :math:`A_k + B_k + C_k`: A the
    skeleton (K, V, V), B a parameter, and :math:`C_{vu} = \operatorname{softmax}_v(\theta_v \cdot
    \phi_u / (RT))` with two embeddings of R channels and T frames; then a 1x1 convolution a subset,
    summed (Shi et al., CVPR 2019, equations 3 to 5).

    The embeddings of all subsets are one convolution, and so are the last ones. The topologies of
    all subsets gather from each frame in one product, which leaves the channels last in memory.
    """

    A: Tensor

    def __init__(self, in_channels: int, out_channels: int, A: Tensor) -> None:
        super().__init__()
        K, embedded = len(A), max(out_channels // 4, 1)
        self.register_buffer('A', A.clone(), persistent=False)
        self.B = nn.Parameter(torch.full_like(A, _START))
        self.embed = nn.Conv2d(in_channels, 2 * K * embedded, 1)  # theta and phi
        self.project = nn.Conv2d(K * in_channels, out_channels, 1, bias=False)
        self.bias = nn.Parameter(torch.zeros(K, out_channels))  # of each subset's projection
        self.bn = nn.BatchNorm2d(out_channels)
        self.residual = residual(in_channels, out_channels)
        init_conv(self.embed, embedded)
        init_conv(self.project, out_channels * in_channels * K)  # by the release's branch rule
        nn.init.constant_(self.bn.weight, _START)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve (N, C, T, V) over the graph."""
        N, C, T, V = x.shape
        K = len(self.A)
        # Before the product: the sum over R * T numbers leaves the range of float16.
        assert self.embed.bias is not None
        scale = (self.embed.out_channels // (2 * K) * T) ** -0.5
        embedded = F.conv2d(x, self.embed.weight * scale, self.embed.bias * scale)
        embedded = embedded.view(N, 2, K, -1, T, V).permute(1, 0, 2, 5, 4, 3)
        theta, phi = embedded.reshape(2, N, K, V, -1)  # (N, K, V, T * R) each
        attention = (theta @ phi.mT).softmax(-2)  # (N, K, V, V)
        topology = (attention + (self.A + self.B)).permute(0, 3, 1, 2)  # of a joint: (K, V)
        y = topology.reshape(N, 1, V * K, V) @ x.permute(0, 2, 3, 1)  # (N, T, V * K, C)
        y = y.view(N, T, V, K * C).permute(0, 3, 1, 2)
        y = F.conv2d(y, self.project.weight, self.bias.sum(0))
        return (self.bn(y) + self.residual(x)).relu_()


class AGCNBlock(GraphBlock):
    """A graph convolution, then a temporal convolution over 9 frames; the first has no residual."""

    def __init__(self, stage: Stage, A: Tensor) -> None:
        number, channels, out_channels, stride = stage
        gcn = AdaptiveGraphConv(channels, out_channels, A)
        tcn = conv_bn(out_channels, out_channels, kernel_size=9, stride=stride)
        super().__init__(stage, gcn, tcn, with_residual=number > 1)


@MODELS.register_module()
class AGCN(SpatialEncoder):
    """The encoder of the two-stream adaptive graph convolutional network (2s-AGCN).

    Shi, Zhang, Cheng, Lu: Two-Stream Adaptive Graph Convolutional Networks for Skeleton-Based
    Action Recognition, CVPR 2019. Written from the paper; number of parameters and initialisation
    are those of the published model (3,469,510 parameters with the classifier on NTU RGB+D 60).
    mmaction2's ``AAGCN`` is the authors' later network, with another attention.

    The published model draws the hand of NTU RGB+D as a chain: the layout ``'nturgb+d-chain'``.

    Args:
        graph_cfg: The graph, as for :func:`csre_mm.models.backbones.graphs.spatial_subsets`.
        in_channels: Channels C of a joint.
        num_person: Persons M.
        base_channels: Channels of the first block.
        num_stages: Number of blocks.
        inflate_stages: Blocks, counted from one, that double the channels.
        down_stages: Blocks that halve the frames.

    Shape:
        - Input: (N, M, T, V, C)
        - Output: (N, M, C', T', V); C' = 256 and T' = T / 4 with the defaults

    Raises:
        InputError: If the input has other persons, joints or channels, or too few frames.

    Example:
        >>> import torch
        >>> encoder = AGCN(graph_cfg=dict(layout='nturgb+d')).eval()
        >>> encoder(torch.randn(1, 2, 64, 25, 3)).shape  # (N, M, C', T', V')
        torch.Size([1, 2, 256, 16, 25])
    """

    block = AGCNBlock
