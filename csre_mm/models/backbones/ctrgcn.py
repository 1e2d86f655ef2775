"""CTR-GCN: a graph whose edges are refined for each channel."""

import torch
from mmaction.registry import MODELS
from torch import Tensor, nn

from csre_mm.models.backbones.layers import MultiScaleTemporalConv, init_conv, residual
from csre_mm.models.backbones.skeleton_encoder import GraphBlock, SpatialEncoder, Stage


class ChannelTopologyGraphConv(nn.Module):
    r"""Graph convolution with a topology for each channel and sample.

    For each of the K subsets of the graph the shared topology A, a parameter that starts as the
    skeleton (K, V, V), is refined by the tanh of the difference between the joints in R channels,
    :math:`R_{cuv} = A_{uv} + \alpha (W_4 \tanh(W_1 x_u - W_2 x_v))_c`, and the features are
    gathered along it: out[n,c,t,u] = sum_v R[n,c,u,v] (W_3 x)[n,c,t,v] (Chen et al., ICCV 2021).

    W_1 and W_2 see the mean over time; the mean commutes with a 1x1 convolution and is taken first,
    which is the same number for a T-th of the work. The scalar is multiplied into W_4, and the
    refinement added to A by the product that makes it. The subsets come one after the other, so
    that no tensor is permuted between the products.
    """

    def __init__(
        self, in_channels: int, out_channels: int, A: Tensor, relation_channels: int
    ) -> None:
        super().__init__()
        K = len(A)
        self.out_channels = out_channels
        self.A = nn.Parameter(A.clone())
        self.alpha = nn.Parameter(torch.zeros(1))
        self.relate = nn.Conv1d(in_channels, 2 * K * relation_channels, 1)  # W_1 and W_2
        self.value = nn.Conv2d(in_channels, K * out_channels, 1)  # W_3
        self.refine = nn.Conv2d(K * relation_channels, K * out_channels, 1, groups=K)  # W_4
        self.bn = nn.BatchNorm2d(out_channels)
        self.residual = residual(in_channels, out_channels)
        fan_outs = (relation_channels, out_channels, out_channels)  # of one subset
        for conv, fan_out in zip((self.relate, self.value, self.refine), fan_outs, strict=True):
            init_conv(conv, fan_out)
        nn.init.constant_(self.bn.weight, 1e-6)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve (N, C, T, V) over the graph."""
        N, _, T, V = x.shape
        K, C = len(self.A), self.out_channels
        assert self.refine.bias is not None and self.value.bias is not None
        at_u, at_v = self.relate(x.mean(2)).view(N, 2, K, -1, V).unbind(1)  # (N, K, R, V) each
        relation = torch.tanh(at_u.unsqueeze(-1) - at_v.unsqueeze(-2)).flatten(-2).unbind(1)
        weight = (self.refine.weight * self.alpha).view(K, C, -1)  # (K, C, R)
        shared = self.A.view(K, 1, V * V) + (self.refine.bias * self.alpha).view(K, C, 1)
        tokens = x.permute(0, 2, 3, 1).reshape(N, T * V, -1).mT  # (N, C', T * V)
        W, bias = self.value.weight.view(K, C, -1), self.value.bias.view(K, C, 1)
        y = None
        for k in range(K):
            topology = torch.baddbmm(shared[k], weight[k].expand(N, -1, -1), relation[k])
            topology = topology.view(N * C, V, V).mT
            value = torch.baddbmm(bias[k], W[k].expand(N, -1, -1), tokens).view(N * C, T, V)
            y = value @ topology if y is None else y.baddbmm_(value, topology)
        assert y is not None
        y = y.view(N, C, T, V).contiguous(memory_format=torch.channels_last)
        return (self.bn(y) + self.residual(x)).relu_()


class CTRGCNBlock(GraphBlock):
    """A graph convolution, then a multi-scale temporal convolution; the first has no residual."""

    def __init__(self, stage: Stage, A: Tensor) -> None:
        number, channels, out_channels, stride = stage
        relation = 8 if number == 1 else max(channels // 8, 1)
        gcn = ChannelTopologyGraphConv(channels, out_channels, A, relation)
        tcn = MultiScaleTemporalConv(out_channels, out_channels, stride=stride)
        super().__init__(stage, gcn, tcn, with_residual=number > 1)


@MODELS.register_module()
class CTRGCN(SpatialEncoder):
    """Channel-wise topology refinement graph convolution network.

    Chen, Zhang, Yuan, Li, Deng, Hu: Channel-wise Topology Refinement Graph Convolution for
    Skeleton-Based Action Recognition, ICCV 2021. Written from the paper; number of parameters and
    initialisation are those of the published model (1,446,672 parameters with the classifier on
    NTU RGB+D 60).

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
        InputError: If the input has other persons, joints or channels.

    Example:
        >>> import torch
        >>> encoder = CTRGCN(graph_cfg=dict(layout='nturgb+d')).eval()
        >>> encoder(torch.randn(1, 2, 64, 25, 3)).shape  # (N, M, C', T', V')
        torch.Size([1, 2, 256, 16, 25])
    """

    block = CTRGCNBlock
