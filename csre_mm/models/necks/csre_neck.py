"""The train-only neck that adds the two contrasts of CSRE to a recognizer."""

import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from torch import Tensor, nn

from csre_mm.models.losses import MemoryContrastLoss
from csre_mm.models.necks.stfd import STFD
from csre_mm.utils.errors import InputError
from csre_mm.utils.random import seeded_aside


@MODELS.register_module()
class CSRENeck(nn.Module):
    """Hand the features on untouched; in training add the spatial and the temporal contrast.

    It follows the convention of mmaction2's TPN, ``(x, loss_aux)``, and so serves
    ``RecognizerCSRE`` and mmaction2's ``Recognizer3D``. Without data samples, that is in testing,
    it returns the map and an empty dictionary, and touches neither its weights nor its banks.

    Args:
        in_channels: Channels C of the encoder's map.
        num_frames: Frames T of the map, after the encoder's temporal strides.
        num_joints: Joints V of the map; for a map without a person axis its places H*W.
        feat_dim: Width D of the features and of the banks.
        reduction: Factor by which STFD squeezes the channels.
        with_persons: Whether the map is (N, M, C, T, V), as from a graph network, or
            (N, C, T, H, W), as from PoseC3D.
        loss: Arguments of both :class:`MemoryContrastLoss`.
        loss_spatial: Arguments in which the spatial loss differs from ``loss``.
        loss_temporal: Arguments in which the temporal loss differs from ``loss``.

    Shape:
        - Input: (N, M, C, T, V), or (N, C, T, H, W) with ``with_persons=False``
        - Output: the input
    """

    def __init__(
        self,
        in_channels: int,
        num_frames: int,
        num_joints: int,
        feat_dim: int = 256,
        reduction: int = 8,
        with_persons: bool = True,
        loss: dict | None = None,
        loss_spatial: dict | None = None,
        loss_temporal: dict | None = None,
    ) -> None:
        super().__init__()
        self.with_persons = with_persons
        with seeded_aside(torch.initial_seed() + 1):
            self.stfd = STFD(in_channels, num_frames, num_joints, feat_dim, reduction)
        common = {'type': 'MemoryContrastLoss', 'feat_dim': feat_dim, **(loss or {})}
        for options in (loss, loss_spatial, loss_temporal):
            if (options or {}).get('feat_dim', feat_dim) != feat_dim:
                raise InputError('the width of the banks is model.neck.feat_dim: set that')
        self.loss_spatial: MemoryContrastLoss = MODELS.build({**common, **(loss_spatial or {})})
        self.loss_temporal: MemoryContrastLoss = MODELS.build({**common, **(loss_temporal or {})})

    def forward(
        self, x: Tensor, data_samples: list[ActionDataSample] | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Compute the contrasts of a batch.

        Args:
            x: The encoder's map, of one or more clips a sample.
            data_samples: The N samples, with ``gt_label`` and, in the metainfo, ``sample_idx``.

        Returns:
            The map as it came, and the losses ``loss_contrast_spatial`` and
            ``loss_contrast_temporal`` with what is logged beside them (see
            :class:`MemoryContrastLoss`).

        Raises:
            InputError: If the map is not of the shape that the neck was built for, a sample has no
                ``sample_idx``, or the banks have no slot for it.
        """
        if data_samples is None:
            return x, {}
        labels = torch.cat([sample.gt_label for sample in data_samples]).to(x.device)  # (N,)
        indices = self._sample_indices(data_samples).to(x.device)  # (N,)
        z_s, z_t = self.stfd(self._per_sample(x, len(data_samples)))
        losses = {'loss_contrast_spatial': self.loss_spatial(z_s, labels, indices)}
        plan = self.loss_spatial.plan  # both banks hold the same labels
        losses['loss_contrast_temporal'] = self.loss_temporal(z_t, labels, indices, plan)
        for name, loss in (('spatial', self.loss_spatial), ('temporal', self.loss_temporal)):
            losses.update({f'{name}_{key}': value for key, value in loss.statistics.items()})
        return x, losses

    def _per_sample(self, x: Tensor, num_samples: int) -> Tensor:
        """Bring a map to (N, M, C, T, V); the clips of a sample count as its persons."""
        if not self.with_persons:
            x = x.flatten(3).unsqueeze(1)  # (N, C, T, H, W) -> (N, 1, C, T, V)
        return x.reshape(num_samples, -1, *x.shape[2:])

    def _sample_indices(self, data_samples: list[ActionDataSample]) -> Tensor:
        try:
            found = [int(sample.metainfo['sample_idx']) for sample in data_samples]
        except KeyError:
            raise InputError(
                "CSRE needs the position of a sample in the training set: add 'sample_idx' to the "
                'meta_keys of PackActionInputs, or MemoryBankHook to custom_hooks, which does it'
            ) from None
        indices = torch.tensor(found)
        self.loss_spatial.bank.check_slots(indices)  # here they are on the CPU
        return indices
