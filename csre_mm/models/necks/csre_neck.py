"""The train-only neck that adds the two contrasts of CSRE to a recognizer."""

from collections.abc import Mapping
from typing import Any

import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from torch import Tensor, nn

from csre_mm.models.necks.csre import CSRE
from csre_mm.models.necks.feature_map import FeatureMap
from csre_mm.utils.errors import InputError


@MODELS.register_module()
class CSRENeck(CSRE):
    """:class:`CSRE` as a neck of mmaction2: labels and indices come from the data samples.

    It follows the convention of mmaction2's TPN, ``(x, loss_aux)``, and so serves
    ``RecognizerCSRE`` and mmaction2's ``Recognizer3D``. Without data samples, that is in testing,
    it returns the feature map and an empty dictionary, and uses neither its weights nor its banks.
    The numbers of the feature map come from the commands of csre_mm, or from ``input_shape`` of a
    ``RecognizerCSRE``; without them a model can be tested and not trained.

    Args:
        in_channels: Channels C of the feature map.
        num_frames: Frames T of the feature map, after the temporal strides of the encoder.
        num_joints: Joints V of the feature map; without a person axis its places H * W.
        with_persons: Whether the feature map is (N, M, C, T, V), as from a graph network, or
            (N, C, T, H, W), as from PoseC3D.
        feat_dim, reduction, loss, loss_spatial, loss_temporal: As for :class:`CSRE`.

    Shape:
        - Input: (N, M, C, T, V), or (N, C, T, H, W) with ``with_persons=False``
        - Output: the input

    Example:
        >>> import torch
        >>> neck = CSRENeck(in_channels=64, num_frames=16, num_joints=25)
        >>> feature_map = torch.randn(4, 2, 64, 16, 25)
        >>> x, losses = neck(feature_map)  # in testing
        >>> x is feature_map, losses
        (True, {})
    """

    def __init__(
        self,
        in_channels: int | None = None,
        num_frames: int | None = None,
        num_joints: int | None = None,
        feat_dim: int = 256,
        reduction: int = 8,
        with_persons: bool = True,
        loss: Mapping[str, Any] | None = None,
        loss_spatial: Mapping[str, Any] | None = None,
        loss_temporal: Mapping[str, Any] | None = None,
    ) -> None:
        if in_channels is None or num_frames is None or num_joints is None:
            nn.Module.__init__(self)
            self.is_sized = False
            return
        super().__init__(
            (in_channels, num_frames, num_joints),
            feat_dim=feat_dim,
            reduction=reduction,
            loss=loss,
            loss_spatial=loss_spatial,
            loss_temporal=loss_temporal,
        )
        self.is_sized = True
        self.with_persons = with_persons

    def forward(  # type: ignore[override]
        self, x: Tensor, data_samples: list[ActionDataSample] | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Compute the contrasts of a batch.

        Args:
            x: The feature map, of one or more clips per sample.
            data_samples: The N samples, with ``gt_label`` and, in the metainfo, ``sample_idx``.

        Returns:
            The feature map unchanged, and the dictionary of :meth:`CSRE.forward`.
        """
        if data_samples is None:
            return x, {}
        if not self.is_sized:
            raise InputError(
                'model.neck does not know the feature map: train with csre_mm (csre-mm train, '
                'tools/train.py), or set model.neck.input_shape=(M, T, V, C) of a RecognizerCSRE, '
                f'or {", ".join(FeatureMap._fields[:3])}'
            )
        labels = torch.cat([sample.gt_label for sample in data_samples])  # (N,)
        return x, super().forward(x, labels, _sample_indices(data_samples))

    def decompose(self, feature_map: Tensor, num_samples: int) -> tuple[Tensor, Tensor]:
        """As :meth:`CSRE.decompose`; a feature map without persons has H * W places."""
        if not self.with_persons:
            feature_map = feature_map.flatten(3)  # (N, C, T, H, W) -> (N, C, T, V)
        return super().decompose(feature_map, num_samples)


def _sample_indices(data_samples: list[ActionDataSample]) -> Tensor:
    """Positions in the training set (N,), on the CPU."""
    try:
        return torch.tensor([int(sample.metainfo['sample_idx']) for sample in data_samples])
    except KeyError:
        raise InputError(
            "CSRE needs the position of a sample in the training set: add 'sample_idx' to the "
            'meta_keys of PackActionInputs, or MemoryBankHook to custom_hooks, which does it'
        ) from None
