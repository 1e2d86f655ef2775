"""A graph-network recognizer that honours a train-only neck."""

import copy

import torch
from mmaction.models import RecognizerGCN
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from torch import Tensor

from csre_mm.models.necks.feature_map import check_numbers, find_feature_map
from csre_mm.utils.config import is_csre_neck
from csre_mm.utils.random import seeded_aside


@MODELS.register_module()
class RecognizerCSRE(RecognizerGCN):
    """``RecognizerGCN`` with a neck that acts in training only.

    mmaction2's ``RecognizerGCN`` builds a neck and never calls it. Here the neck sees the
    feature map whenever a loss is computed; in testing the model is ``RecognizerGCN``, bit for bit.

    Args:
        backbone: The encoder.
        neck: ``dict(type='CSRENeck')``. The numbers of the feature map come from the commands of
            csre_mm, or from a dry run of the encoder if the neck has
            ``input_shape=(M, T, V, C)``: persons, frames, joints and channels of a clip as the
            encoder takes it. A model without either can be tested and not trained.
        **kwargs: What ``RecognizerGCN`` takes besides.

    Raises:
        InputError: If the neck has numbers that are not those of the encoder.

    Example:
        >>> from mmaction.registry import MODELS
        >>> from mmengine.registry import init_default_scope
        >>> init_default_scope('mmaction')
        >>> model = MODELS.build(
        ...     dict(
        ...         type='RecognizerCSRE',
        ...         backbone=dict(type='CTRGCN', graph_cfg=dict(layout='nturgb+d')),
        ...         neck=dict(type='CSRENeck', input_shape=(2, 64, 25, 3)),
        ...         cls_head=dict(type='GCNHead', num_classes=60, in_channels=256),
        ...     )
        ... )
        >>> model.neck.stfd.in_channels, model.neck.stfd.num_frames, model.neck.stfd.num_joints
        (256, 16, 25)
    """

    def __init__(self, backbone: dict, neck: dict | None = None, **kwargs: object) -> None:
        if neck is not None and is_csre_neck(neck):
            neck = _size_neck(backbone, neck)
        super().__init__(backbone=backbone, neck=neck, **kwargs)

    def extract_feat(
        self,
        inputs: Tensor,
        stage: str = 'backbone',
        data_samples: list[ActionDataSample] | None = None,
        **kwargs: object,
    ) -> tuple[Tensor, dict]:
        """Extract features, and in training, where there are data samples, the losses of the neck.

        Returns:
            The feature map (N * clips, M, C', T', V') of skeletons (N, clips, M, T, V, C), or the
            scores (N * clips, classes) with ``stage='head'``; and ``{'loss_aux': losses of the
            neck}``, empty in testing.
        """
        x, loss_kwargs = super().extract_feat(inputs, stage=stage, **kwargs)
        if self.with_neck and data_samples is not None and stage == 'backbone':
            x, loss_kwargs['loss_aux'] = self.neck(x, data_samples=data_samples)
        return x, loss_kwargs


def _size_neck(backbone: dict, neck: dict) -> dict:
    neck = dict(neck)
    shape = neck.pop('input_shape', None)
    if shape is not None:
        with seeded_aside(0):
            encoder = MODELS.build(copy.deepcopy(backbone))
            found = find_feature_map(encoder, torch.randn(1, *shape))
        check_numbers(neck, found)
        return {**neck, **found._asdict()}
    return neck
