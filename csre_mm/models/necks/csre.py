"""CSRE as a plain PyTorch module: a feature map in, two contrast losses out."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmaction.registry import MODELS
from torch import Tensor, nn

from csre_mm.models.losses import MemoryContrastLoss
from csre_mm.models.losses.contrast import check_batch, contrast
from csre_mm.models.necks.stfd import STFD
from csre_mm.utils.device import move
from csre_mm.utils.errors import InputError
from csre_mm.utils.random import seeded_aside


class CSRE(nn.Module):
    """Decompose a feature map into space and time, and contrast both with their memory banks.

    Contrastive Spatiotemporal Representation Enhancement (Zhang, Yin, Dang; Pattern Recognition
    164, 2025; arXiv 2312.15144). The feature map itself is not changed. Testing does without the
    module: in evaluation mode a call returns no losses and writes no bank.

    Args:
        feature_map_shape: The shape of a sample's feature map, (C, T, V) or (M, C, T, V): channels,
            frames after the temporal strides of the encoder, and joints or other places. The number
            of persons M may differ from call to call.
        num_samples: Training samples, a slot each in both banks. Without it
            :meth:`MemoryBank.allocate` has to be called for both before the first step.
        feat_dim: Width D of the features and of the banks.
        reduction: Factor by which STFD squeezes the channels.
        loss: Arguments of both :class:`MemoryContrastLoss`. K+, K- and weight follow from the
            number of samples unless they are given; from 10,000 samples on they are the paper's.
        loss_spatial: Arguments in which the spatial loss differs from ``loss``.
        loss_temporal: Arguments in which the temporal loss differs from ``loss``.

    Attributes:
        stfd: The :class:`STFD`.
        loss_spatial: The contrast of the spatial feature, with its bank.
        loss_temporal: The contrast of the temporal feature, with its bank.

    Raises:
        InputError: If an argument is out of its range.

    Example:
        >>> import torch
        >>> csre = CSRE((64, 16, 25), num_samples=1000)
        >>> feature_map = torch.randn(4, 2, 64, 16, 25)  # (N, M, C, T, V)
        >>> labels, indices = torch.tensor([0, 0, 1, 1]), torch.tensor([7, 8, 500, 501])
        >>> losses = csre(feature_map, labels, indices)
        >>> sorted(key for key in losses if 'loss' in key)
        ['loss_contrast_spatial', 'loss_contrast_temporal']
    """

    def __init__(
        self,
        feature_map_shape: Sequence[int],
        num_samples: int | None = None,
        feat_dim: int = 256,
        reduction: int = 8,
        loss: Mapping[str, Any] | None = None,
        loss_spatial: Mapping[str, Any] | None = None,
        loss_temporal: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        sizes = all(isinstance(size, int) and size > 0 for size in feature_map_shape)
        if len(feature_map_shape) not in (3, 4) or not sizes:
            raise InputError(
                f'feature_map_shape is {tuple(feature_map_shape)}, expected (C, T, V) or '
                '(M, C, T, V), integers from 1'
            )
        in_channels, num_frames, num_joints = feature_map_shape[-3:]
        with seeded_aside((torch.initial_seed() + 1) % (1 << 64)):
            self.stfd = STFD(in_channels, num_frames, num_joints, feat_dim, reduction)
        derived = dict.fromkeys(('num_positives', 'num_negatives', 'loss_weight'))  # all None
        common = dict(type='MemoryContrastLoss', feat_dim=feat_dim, num_slots=num_samples)
        for options in (loss, loss_spatial, loss_temporal):
            if (options or {}).get('feat_dim', feat_dim) != feat_dim:
                raise InputError('the width of the banks is model.neck.feat_dim: set that')
        shared = {**common, **derived, **(loss or {})}
        self.loss_spatial: MemoryContrastLoss = MODELS.build({**shared, **(loss_spatial or {})})
        self.loss_temporal: MemoryContrastLoss = MODELS.build({**shared, **(loss_temporal or {})})

    @property
    def losses(self) -> dict[str, MemoryContrastLoss]:
        """Both contrasts, by the name that their statistics have in the log."""
        return {'spatial': self.loss_spatial, 'temporal': self.loss_temporal}

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Compile STFD and the contrast, see :meth:`MemoryContrastLoss.compile`."""
        self.stfd.compile(*args, **kwargs)
        for loss in self.losses.values():
            loss.compile(*args, **kwargs)

    def forward(self, feature_map: Tensor, labels: Tensor, indices: Tensor) -> dict[str, Tensor]:
        """Compute the losses of a batch and write it into the banks.

        Args:
            feature_map: (N, M, C, T, V) or (N, C, T, V); also (N * M, C, T, V) with the M persons
                of a sample next to each other, as encoders give it that fold persons into the
                batch.
            labels: Classes (N,), int64.
            indices: Positions of the samples in the training set (N,), int64.

        Returns:
            ``loss_contrast_spatial`` and ``loss_contrast_temporal``, and for the log the statistics
            of both (see :class:`MemoryContrastLoss`) under ``spatial_...`` and ``temporal_...``.
            Empty in evaluation mode.

        Raises:
            InputError: If the feature map has another shape, labels or indices are not of the form
                above, or the banks have no slot for an index.
        """
        if not self.training:
            return {}
        check_batch(labels, indices)
        self.loss_spatial.bank.check_slots(indices)  # free while they are on the CPU
        z = self.decompose(feature_map, len(labels))
        names, losses = zip(*self.losses.items(), strict=True)
        device = z[0].device
        results = contrast(losses, z, move(labels, device), move(indices, device))
        found = {}
        for name, (value, statistics) in zip(names, results, strict=True):
            found[f'loss_contrast_{name}'] = value
            found.update({f'{name}_{key}': number for key, number in statistics.items()})
        return found

    def decompose(self, feature_map: Tensor, num_samples: int) -> tuple[Tensor, Tensor]:
        """The spatial and the temporal feature (N, D) of a feature map, as :meth:`forward`."""
        return self.stfd(group_by_sample(feature_map, num_samples))


def group_by_sample(feature_map: Tensor, num_samples: int) -> Tensor:
    """Bring a feature map to (N, M, C, T, V); further clips of a sample count as persons."""
    if feature_map.ndim not in (4, 5) or len(feature_map) % num_samples:
        raise InputError(
            f'the feature map has the shape {tuple(feature_map.shape)} for {num_samples} samples, '
            'expected (N, M, C, T, V), (N, C, T, V) or (N * M, C, T, V)'
        )
    return feature_map.reshape(num_samples, -1, *feature_map.shape[-3:])
