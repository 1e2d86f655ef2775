"""Hyperformer: attention among joints that knows their distance and their body part."""

import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from torch import Tensor, nn

from csre_mm.datasets.layouts import SkeletonLayout, get_layout
from csre_mm.models.backbones.graphs import hop_distances
from csre_mm.models.backbones.layers import MultiScaleTemporalConv, residual
from csre_mm.models.backbones.skeleton_encoder import (
    SkeletonEncoder,
    SkeletonInput,
    Stage,
    check_divides,
    plan_stages,
)
from csre_mm.utils.device import full_precision, on_cpu


class HypergraphAttention(nn.Module):
    r"""Attention of the joints of a frame to each other and to each other's body parts.

    For query joint n and key joint m, in each head, with queries q, keys k, the embedding e of the
    key's part, r of the number of hops between the two joints, and a vector w:
    :math:`\operatorname{softmax}_m((q_n k_m + q_n r_{nm} + q_n e_m + w e_m) / \sqrt{d})` (Zhou et
    al., 2022, equation 9). The values are gathered along that, times a learned scale that starts at
    0, plus a learned topology that starts as the identity.

    Key and part are added before their product with the query, the query meets each number of hops
    once instead of each pair of joints, and the two topologies are added before they gather: the
    same numbers in fewer passes. Under autocast on a CPU the attention stays in float32, whose
    products of many small matrices are faster there than bfloat16's.
    """

    hops: Tensor

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        num_heads: int,
        groups: int,
        layout: SkeletonLayout,
    ) -> None:
        super().__init__()
        self.num_heads = num_heads
        width = out_channels // num_heads
        hops = hop_distances(layout)
        self.register_buffer('hops', hops, persistent=False)  # (V, V)
        self.qkv = nn.Linear(in_channels, 3 * out_channels, bias=False)
        self.hop_embedding = nn.Parameter(torch.zeros(int(hops.max()) + 1, num_heads, width))
        self.part_bias = nn.Parameter(torch.zeros(num_heads, width))  # w
        self.topology = nn.Parameter(torch.eye(layout.num_joints).repeat(num_heads, 1, 1))
        self.scale = nn.Parameter(torch.zeros(1))
        self.project = nn.Conv2d(out_channels, out_channels, 1, groups=groups)

    def forward(self, x: Tensor, parts: Tensor) -> Tensor:
        """Attend to joints (N, T, V, C), the parts of which are (N, T, V, out_channels)."""
        N, T, V, _ = x.shape
        h = self.num_heads
        q, k, v = self.qkv(x).view(N * T, V, 3, h, -1).permute(2, 0, 3, 1, 4)  # (B, h, V, d) each
        e = parts.view(N * T, V, h, -1).transpose(1, 2)  # (B, h, V, d)
        if on_cpu(x) and q.dtype == torch.bfloat16:
            with full_precision(x):
                y = self._attend(q.float(), k.float(), v.float(), e.float())
        else:
            y = self._attend(q, k, v, e)
        y = y.transpose(1, 2).reshape(N, T, V, -1).permute(0, 3, 1, 2)  # (N, C, T, V)
        return self.project(y).permute(0, 2, 3, 1)

    def _attend(self, q: Tensor, k: Tensor, v: Tensor, e: Tensor) -> Tensor:
        """Gather the values: (B, h, V, d)."""
        B, h, V, d = q.shape
        q = (q * d**-0.5).contiguous()
        w = self.part_bias.to(e.dtype).unsqueeze(-1) * d**-0.5  # (h, d, 1)
        hops = q @ self.hop_embedding.to(q.dtype).permute(1, 2, 0)  # (B, h, V, number of hops)
        logits = hops.gather(-1, self.hops.expand(B, h, V, V)) + (e @ w).mT
        logits = torch.baddbmm(
            logits.view(B * h, V, V), q.view(B * h, V, d), (k + e).reshape(B * h, V, d).mT
        )
        attention = logits.softmax(-1).view(B, h, V, V).to(v.dtype)
        return torch.addcmul(self.topology.to(v.dtype), attention, self.scale.to(v.dtype)) @ v


class HyperformerBlock(nn.Module):
    """Attention, then a multi-scale temporal convolution, with a residual connection around each.

    Feature maps lie in memory with the channels last, so that the attention sees them as tokens.
    """

    averages: Tensor
    members: Tensor

    def __init__(self, stage: Stage, num_heads: int, groups: int, layout: SkeletonLayout) -> None:
        super().__init__()
        _, channels, out_channels, stride = stage
        members = F.one_hot(torch.tensor(layout.partition)).float().T  # (P, V)
        self.register_buffer('averages', members / members.sum(1, keepdim=True), persistent=False)
        self.register_buffer('members', members.T.contiguous(), persistent=False)  # (V, P)
        self.norm = nn.LayerNorm(channels)
        self.embed_parts = nn.Linear(channels, out_channels, bias=False)
        self.attention = HypergraphAttention(channels, out_channels, num_heads, groups, layout)
        self.skip = (
            nn.Identity()
            if channels == out_channels
            else nn.Linear(channels, out_channels, bias=False)
        )
        self.tcn = MultiScaleTemporalConv(out_channels, out_channels, stride=stride)
        self.residual = residual(channels, out_channels, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, T, V) to (N, out_channels, ceil(T / stride), V)."""
        tokens = x.permute(0, 2, 3, 1)  # (N, T, V, C)
        parts = self.embed_parts(self.averages @ tokens)  # (N, T, P, out_channels)
        parts = self.members @ parts  # (N, T, V, out_channels)
        y = self.skip(tokens) + self.attention(self.norm(tokens), parts)
        return (self.tcn(y.permute(0, 3, 1, 2)) + self.residual(x)).relu_()


@MODELS.register_module()
class Hyperformer(SkeletonEncoder):
    """Hypergraph transformer.

    Zhou, Cheng, Li, Fang, Geng, Xie, Keuper: Hypergraph Transformer for Skeleton-based Action
    Recognition, 2022 (arXiv 2211.09590). Written from the paper and the facts of its release
    (Apache-2.0); number of parameters and initialisation are those of the published model
    (2,729,194 parameters with the classifier on NTU RGB+D 60).

    The body parts come from the partition of the layout.

    Args:
        graph_cfg: ``layout``, any that :func:`csre_mm.datasets.layouts.get_layout` takes.
        in_channels: Channels C of a joint.
        num_person: Persons M.
        base_channels: Channels of all blocks.
        num_heads: Heads of the attention.
        groups: Groups of the 1x1 convolution after the attention.
        num_stages: Number of blocks.
        down_stages: Blocks, counted from one, that halve the frames.

    Shape:
        - Input: (N, M, T, V, C)
        - Output: (N, M, C', T', V); C' = 216 and T' = T / 4 with the defaults

    Raises:
        InputError: If the layout has no partition, heads or groups do not divide the channels, or
            the input has other persons, joints or channels, or too few frames.

    Example:
        >>> import torch
        >>> encoder = Hyperformer(graph_cfg=dict(layout='nturgb+d')).eval()
        >>> encoder(torch.randn(1, 2, 64, 25, 3)).shape  # (N, M, C', T', V')
        torch.Size([1, 2, 216, 16, 25])
    """

    def __init__(
        self,
        graph_cfg: dict,
        in_channels: int = 3,
        num_person: int = 2,
        base_channels: int = 216,
        num_heads: int = 9,
        groups: int = 6,
        num_stages: int = 10,
        down_stages: tuple[int, ...] = (5, 8),
    ) -> None:
        layout = get_layout(graph_cfg.get('layout', 'nturgb+d'))
        layout.require_partition('Hyperformer')
        for key, parts in (('num_heads', num_heads), ('groups', groups)):
            check_divides(key, parts, base_channels)
        stages = plan_stages(in_channels, base_channels, num_stages, (), down_stages)
        stem = SkeletonInput(num_person, layout.num_joints, in_channels)
        blocks = [HyperformerBlock(stage, num_heads, groups, layout) for stage in stages]
        super().__init__(stem, blocks, stages)
