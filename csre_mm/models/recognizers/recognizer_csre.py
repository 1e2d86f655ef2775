"""A graph-network recognizer that honours a train-only neck."""

from mmaction.models import RecognizerGCN
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from torch import Tensor


@MODELS.register_module()
class RecognizerCSRE(RecognizerGCN):
    """``RecognizerGCN`` with a neck that acts in training only.

    mmaction2's ``RecognizerGCN`` builds a neck and never calls it. Here the neck sees the
    feature map whenever a loss is computed; in testing the model is ``RecognizerGCN``, bit for bit.

    Example:
        >>> from mmaction.registry import MODELS
        >>> from mmengine.registry import init_default_scope
        >>> init_default_scope('mmaction')
        >>> model = MODELS.build(
        ...     dict(
        ...         type='RecognizerCSRE',
        ...         backbone=dict(type='CTRGCN', graph_cfg=dict(layout='nturgb+d')),
        ...         neck=dict(type='CSRENeck', in_channels=256, num_frames=16, num_joints=25),
        ...         cls_head=dict(type='GCNHead', num_classes=60, in_channels=256),
        ...     )
        ... )
        >>> type(model.neck).__name__
        'CSRENeck'
    """

    def extract_feat(
        self,
        inputs: Tensor,
        stage: str = 'backbone',
        data_samples: list[ActionDataSample] | None = None,
        **kwargs: object,
    ) -> tuple[Tensor, dict]:
        """Extract features, and in training the losses of the neck.

        Args:
            inputs: Skeletons (N, clips, M, T, V, C).
            stage: ``'backbone'`` or ``'head'``, the stage whose output is returned.
            data_samples: The samples, given in training only.
            **kwargs: What ``RecognizerGCN.extract_feat`` takes besides.

        Returns:
            The feature map (N * clips, M, C', T', V'), or the scores (N * clips, classes) with
            ``stage='head'``; and ``{'loss_aux': losses of the neck}``, empty in testing.
        """
        x, loss_kwargs = super().extract_feat(inputs, stage=stage, **kwargs)
        if self.with_neck and data_samples is not None and stage == 'backbone':
            x, loss_kwargs['loss_aux'] = self.neck(x, data_samples=data_samples)
        return x, loss_kwargs
