"""The classifier of HCN."""

from mmaction.models.heads import BaseHead
from mmaction.registry import MODELS
from torch import Tensor, nn

from csre_mm.utils.errors import InputError


@MODELS.register_module()
class HCNHead(BaseHead):
    """Maximum over the persons, then two fully connected layers over the whole feature map.

    Li et al., IJCAI 2018, section 3.4.

    Args:
        num_classes: Number of classes.
        in_channels: Channels C of the feature map.
        num_frames: Frames T of the feature map, the window // 16.
        num_joints: Length W of the co-occurrence axis, the width of the encoder // 16.
        hidden_channels: Channels of the first layer.
        dropout: Fraction of them that is dropped.
        loss_cls: The loss.
        average_clips: How mmaction2 averages the clips of a sample.
        init_cfg: Initialisation; by default Xavier uniform.
        **kwargs: What mmaction2's ``BaseHead`` takes besides.

    Shape:
        - Input: (N, M, C, T, W)
        - Output: (N, num_classes)

    Raises:
        InputError: If the feature map is of another shape.

    Example:
        >>> import torch
        >>> head = HCNHead(num_classes=60, in_channels=256, num_frames=4, num_joints=4).eval()
        >>> head(torch.randn(2, 1, 256, 4, 4)).shape
        torch.Size([2, 60])
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int = 256,
        num_frames: int = 4,
        num_joints: int = 4,
        hidden_channels: int = 512,
        dropout: float = 0.5,
        loss_cls: dict | None = None,
        average_clips: str = 'prob',
        init_cfg: dict | list[dict] | None = None,
        **kwargs: object,
    ) -> None:
        loss_cls = loss_cls or dict(type='CrossEntropyLoss')
        init_cfg = init_cfg or dict(type='Xavier', layer='Linear', distribution='uniform')
        super().__init__(
            num_classes,
            in_channels,
            loss_cls,
            average_clips=average_clips,
            init_cfg=init_cfg,
            **kwargs,
        )
        self.expected = {
            'in_channels': in_channels,
            'num_frames': num_frames,
            'num_joints': num_joints,
        }
        self.hidden = nn.Linear(in_channels * num_frames * num_joints, hidden_channels)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(hidden_channels, num_classes)

    def forward(self, x: Tensor, **kwargs: object) -> Tensor:
        """Classify feature maps (N, M, C, T, W); other arguments are ignored."""
        for (key, expected), found in zip(self.expected.items(), x.shape[2:], strict=True):
            if found != expected:
                raise InputError(
                    f'the encoder gives a feature map (N, M, C, T, W) of {tuple(x.shape)}, '
                    f'model.cls_head.{key} is {expected}'
                )
        x = x.amax(1).flatten(1)  # (N, C * T * W)
        return self.fc(self.dropout(self.hidden(x).relu()))
