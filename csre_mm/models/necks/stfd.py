"""Spatial-temporal feature decomposition, the first half of CSRE."""

from torch import Tensor, nn

from csre_mm.utils.errors import InputError


class _Branch(nn.Module):
    """Squeeze the channels of a pooled feature map (N, C, L) and project the rest: (N, D)."""

    def __init__(self, in_channels: int, length: int, feat_dim: int, reduction: int) -> None:
        super().__init__()
        squeezed = in_channels // reduction
        self.squeeze = nn.Conv1d(in_channels, squeezed, kernel_size=1)
        self.project = nn.Linear(squeezed * length, feat_dim)
        for layer in (self.squeeze, self.project):
            nn.init.kaiming_normal_(layer.weight, mode='fan_out')
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Project a pooled feature map."""
        return self.project(self.squeeze(x).flatten(1))  # (N, C/r, L) -> (N, C/r * L) -> (N, D)


class STFD(nn.Module):
    """Decompose a feature map into a spatial and a temporal feature.

    The spatial feature is computed from the mean of the feature map over time, the temporal feature
    from its mean over the joints, each by a 1x1 convolution C -> C/r and a linear layer, without
    normalisation or activation. So shuffling the frames does not change the spatial feature, and
    permuting the joints does not change the temporal one. Source: CSRE (Zhang, Yin, Dang; Pattern
    Recognition 164, 2025; arXiv 2312.15144).

    The paper averages the features over the persons. Both layers are affine, hence averaging the
    feature map over the persons first gives the same numbers for less work; that is done here.

    Args:
        in_channels: Channels C of the feature map.
        num_frames: Frames T after the encoder's temporal strides.
        num_joints: Joints V, or places H * W of a heatmap, after the encoder.
        feat_dim: Width D of both features.
        reduction: Factor r by which the 1x1 convolution squeezes the channels.

    Shape:
        - Input: (N, M, C, T, V)
        - Output: spatial (N, D), temporal (N, D)

    Raises:
        InputError: If ``in_channels`` is smaller than ``reduction``.

    Example:
        >>> import torch
        >>> stfd = STFD(in_channels=64, num_frames=16, num_joints=25)
        >>> z_s, z_t = stfd(torch.randn(4, 2, 64, 16, 25))
        >>> z_s.shape, z_t.shape
        (torch.Size([4, 256]), torch.Size([4, 256]))
    """

    def __init__(
        self,
        in_channels: int,
        num_frames: int,
        num_joints: int,
        feat_dim: int = 256,
        reduction: int = 8,
    ) -> None:
        super().__init__()
        if not (isinstance(reduction, int) and 1 <= reduction <= in_channels):
            raise InputError(
                f'model.neck.reduction is {reduction!r}, it must be an integer from 1 to '
                f'in_channels {in_channels}'
            )
        self.in_channels = in_channels
        self.num_frames = num_frames
        self.num_joints = num_joints
        self.spatial = _Branch(in_channels, num_joints, feat_dim, reduction)
        self.temporal = _Branch(in_channels, num_frames, feat_dim, reduction)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Decompose a feature map (N, M, C, T, V) of the size that the module was built for."""
        self._check(x)
        x = x.mean(1)  # (N, C, T, V)
        return self.spatial(x.mean(2)), self.temporal(x.mean(3))

    def _check(self, x: Tensor) -> None:
        for axis, key in ((2, 'in_channels'), (3, 'num_frames'), (4, 'num_joints')):
            expected, found = getattr(self, key), x.shape[axis]
            if found != expected:
                raise InputError(
                    f'the encoder gives a feature map with {key.removeprefix("num_")} {found}, '
                    f'the neck was built for {expected}: change feature_map_shape of CSRE, or in a '
                    f'config set model.neck.{key}={found}'
                )
