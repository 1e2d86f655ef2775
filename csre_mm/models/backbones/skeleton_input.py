"""The entrance of a graph encoder: persons, joints and channels normalised together."""

from torch import Tensor, nn

from csre_mm.utils.errors import InputError

_AXES = {
    'num_person': (1, 'persons'),
    'graph_cfg.layout': (3, 'joints'),
    'in_channels': (4, 'channels'),
}
"""Axis and name of what a key of the encoder stands for."""


def check_skeletons(x: Tensor, expected: dict[str, int]) -> None:
    """Check the axes of a batch of skeletons.

    Args:
        x: (N, M, T, V, C).
        expected: Sizes by the encoder's key: ``num_person``, ``graph_cfg.layout``, ``in_channels``.

    Raises:
        InputError: If a size is another.
    """
    for key, size in expected.items():
        axis, name = _AXES[key]
        if x.shape[axis] != size:
            raise InputError(
                f'the skeletons have {x.shape[axis]} {name}, model.backbone.{key} stands for {size}'
            )


class SkeletonInput(nn.Module):
    """Normalise each channel of each joint of each person over the batch and time.

    Args:
        num_person: Persons M.
        num_joints: Joints V.
        in_channels: Channels C.

    Shape:
        - Input: (N, M, T, V, C)
        - Output: (N * M, C, T, V)

    Raises:
        InputError: If M, V or C of an input is another.
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
        x = x.permute(0, 1, 3, 4, 2).reshape(N, M * V * C, T)
        x = self.bn(x).view(N, M, V, C, T)
        return x.permute(0, 1, 3, 4, 2).reshape(N * M, C, T, V)
