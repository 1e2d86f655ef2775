"""BlockGCN: graph convolution in blocks of channels, told of the pose's topology."""

import torch
from mmaction.registry import MODELS
from torch import Tensor, nn

from csre_mm.datasets.layouts import get_layout
from csre_mm.models.backbones.graphs import hop_distances
from csre_mm.models.backbones.layers import MultiScaleTemporalConv, init_conv, residual
from csre_mm.models.backbones.skeleton_encoder import (
    GraphBlock,
    SkeletonEncoder,
    SkeletonInput,
    Stage,
    check_divides,
    check_input,
    check_skeletons,
    plan_stages,
)
from csre_mm.models.backbones.topology import PoseTopology, TopologyEmbedding
from csre_mm.utils.errors import InputError

_SUBSETS = 3


def _unit(x: Tensor) -> Tensor:
    """Divide columns by their length and a little."""
    return x / (torch.linalg.vector_norm(x, dim=-2, keepdim=True) + 1e-4)


class BlockGraphConv(nn.Module):
    """Graph convolution with a topology for each of ``num_heads`` blocks of channels.

    A topology is a learned matrix, started as the identity, plus a learned embedding of the number
    of hops between two joints (V, V), both with columns of length 1; then a 1x1 convolution within
    the block (Zhou et al., CVPR 2024, section 3.2). The release has three such convolutions,
    summed; here their topologies are one matrix for each block, which gathers from all frames of
    all samples in one product.
    """

    hops: Tensor

    def __init__(self, in_channels: int, out_channels: int, num_heads: int, hops: Tensor) -> None:
        super().__init__()
        K, h = _SUBSETS, num_heads
        self.num_heads = h
        self.register_buffer('hops', hops, persistent=False)
        self.topology = nn.Parameter(torch.eye(len(hops)).repeat(K, h, 1, 1))
        self.hop_embedding = nn.Parameter(torch.zeros(K, h, int(hops.max()) + 1))
        self.project = nn.Conv2d(K * in_channels, out_channels, 1, groups=h, bias=False)
        self.bias = nn.Parameter(torch.zeros(K, out_channels))  # of each subset's projection
        self.bn = nn.BatchNorm2d(out_channels)
        self.residual = residual(in_channels, out_channels)
        init_conv(self.project, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve (N, C, T, V) over the graph."""
        N, C, T, V = x.shape
        K, h = _SUBSETS, self.num_heads
        topology = _unit(self.topology) + _unit(self.hop_embedding[..., self.hops])
        topology = topology.permute(1, 0, 3, 2).reshape(h, K * V, V)
        joints = x.view(N, h, C // h, T, V).permute(1, 4, 0, 3, 2).reshape(h, V, -1)
        gathered = (topology @ joints).view(h, K, -1, C // h).unbind(1)  # (h, V * N * T, C / h)
        weight = self.project.weight.view(h, -1, K, C // h).permute(2, 0, 3, 1)
        weight = weight.to(gathered[0].dtype)  # autocast does not see products in place
        y = torch.baddbmm(self.bias.sum(0).view(h, 1, -1), gathered[0], weight[0])
        for k in range(1, K):
            y = y.baddbmm_(gathered[k], weight[k])
        y = y.view(h, V, N, T, -1).permute(2, 3, 1, 0, 4).reshape(N, T, V, -1).permute(0, 3, 1, 2)
        return (self.bn(y) + self.residual(x)).relu_()


class BlockGCNBlock(GraphBlock):
    """A block graph convolution, then a multi-scale temporal convolution, with a residual."""

    def __init__(self, stage: Stage, num_heads: int, hops: Tensor) -> None:
        _, channels, out_channels, stride = stage
        gcn = BlockGraphConv(channels, out_channels, num_heads, hops)
        super().__init__(
            stage, gcn, MultiScaleTemporalConv(out_channels, out_channels, stride=stride)
        )


class JointEmbedding(nn.Module):
    """Embed joints (N, M, T, V, C) and their places, then normalise: (N * M, channels, T, V)."""

    def __init__(self, in_channels: int, channels: int, num_person: int, num_joints: int) -> None:
        super().__init__()
        self.expected = {'num_person': num_person, 'graph_cfg.layout': num_joints}
        self.linear = nn.Linear(in_channels, channels)
        self.position = nn.Parameter(torch.randn(num_joints, channels))
        self.norm = SkeletonInput(num_person, num_joints, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Embed a batch of skeletons."""
        check_skeletons(x, self.expected)
        return self.norm(self.linear(x) + self.position)


@MODELS.register_module()
class BlockGCN(SkeletonEncoder):
    """Graph convolutional network with block graph convolutions and dynamic topology.

    Zhou, Yan, Cheng, Yan, Dai, Hua: BlockGCN: Redefine Topology Awareness for Skeleton-Based Action
    Recognition, CVPR 2024. Written from the paper and the facts of its release (Apache-2.0);
    number of parameters and initialisation are those of the published model (1,372,780 parameters
    with the classifier on NTU RGB+D 60).

    The topology is that of the raw joints, whatever the stream: ``SkeletonPreprocessor`` appends
    them to the channels (``append_joints=True``). Without them it is that of the input. It is
    computed for each sample by itself; the release scales by the batch and mixes its samples.

    Args:
        graph_cfg: ``layout``, any that :func:`csre_mm.datasets.layouts.get_layout` takes.
        in_channels: Channels C of a joint, those of the appended coordinates not counted.
        num_person: Persons M.
        base_channels: Channels of the first block.
        num_heads: Blocks of channels with separate topologies.
        num_stages: Number of blocks.
        inflate_stages: Blocks, counted from one, that double the channels.
        down_stages: Blocks that halve the frames.

    Shape:
        - Input: (N, M, T, V, C), or with the raw joints (N, M, T, V, 2 * C)
        - Output: (N, M, C', T', V); C' = 256 and T' = T / 4 with the defaults

    Raises:
        InputError: If the blocks do not divide the channels, or the input has other persons, joints
            or channels, or too few frames.

    Example:
        >>> import torch
        >>> encoder = BlockGCN(graph_cfg=dict(layout='nturgb+d')).eval()
        >>> encoder(torch.randn(1, 2, 64, 25, 3)).shape  # (N, M, C', T', V')
        torch.Size([1, 2, 256, 16, 25])
    """

    def __init__(
        self,
        graph_cfg: dict,
        in_channels: int = 3,
        num_person: int = 2,
        base_channels: int = 128,
        num_heads: int = 8,
        num_stages: int = 10,
        inflate_stages: tuple[int, ...] = (5,),
        down_stages: tuple[int, ...] = (5, 8),
    ) -> None:
        layout = get_layout(graph_cfg.get('layout', 'nturgb+d'))
        check_divides('num_heads', num_heads, base_channels)
        hops = hop_distances(layout)
        stages = plan_stages(base_channels, base_channels, num_stages, inflate_stages, down_stages)
        stem = JointEmbedding(in_channels, base_channels, num_person, layout.num_joints)
        blocks = [BlockGCNBlock(stage, num_heads, hops) for stage in stages]
        super().__init__(stem, blocks, stages)
        self.in_channels = in_channels
        self.topology = PoseTopology()
        self.embed_topology = TopologyEmbedding([stage.in_channels for stage in stages])

    def forward(self, x: Tensor) -> Tensor:
        """Encode skeletons (N, M, T, V, C) or (N, M, T, V, 2 * C)."""
        check_input(x, self.stride)
        x, joints = self._split(x)
        N, M = x.shape[:2]
        topology = self.topology(joints).repeat_interleave(M, 0)  # (N * M, 64)
        x = self.input(x)  # (N * M, C, T, V)
        for block, offset in zip(self.blocks, self.embed_topology(topology), strict=True):
            x = block(x + offset)
        return x.reshape(N, M, *x.shape[1:])

    def _split(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Take the stream and the raw joints apart."""
        if x.shape[-1] == self.in_channels:
            return x, x
        if x.shape[-1] == 2 * self.in_channels:
            stream, joints = x.chunk(2, -1)
            return stream, joints
        raise InputError(
            f'the skeletons have {x.shape[-1]} channels, model.backbone.in_channels stands for '
            f'{self.in_channels}, or {2 * self.in_channels} with '
            'model.data_preprocessor.append_joints'
        )
