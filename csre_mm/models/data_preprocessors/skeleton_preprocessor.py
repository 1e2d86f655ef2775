"""Stream and rotation of a batch of skeletons, on the device."""

from typing import TypeGuard

import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.model import BaseDataPreprocessor
from torch import Tensor

from csre_mm.datasets.layouts import SkeletonLayout, get_layout
from csre_mm.models.data_preprocessors.streams import (
    STREAMS,
    bones,
    find_valid,
    keep_valid,
    motion,
    rotation_matrices,
    score_of_stream,
    track_joint,
)
from csre_mm.utils.device import full_precision, move, on_cpu
from csre_mm.utils.errors import InputError


@MODELS.register_module()
class SkeletonPreprocessor(BaseDataPreprocessor):
    """Stack skeletons, rotate them in training, and turn them into the stream that is asked for.

    The pipeline crops and resizes joints; everything that depends on the stream happens here, in
    training and in testing, so that one key switches it:
    ``--cfg-options model.data_preprocessor.stream=b``. It is computed in float32, under autocast
    too. Joints that were not detected are zero (:mod:`csre_mm.datasets.valid_joints`) and stay so,
    and so are the bones and the motion to them. Clips are stacked before they move to the device,
    and so are the labels of the samples.

    Args:
        layout: The skeleton, by name or as a dictionary (:func:`get_layout`).
        stream: ``'j'`` joints, ``'b'`` bones, ``'jm'`` and ``'bm'`` their motion.
        rotation: In training each sample is rotated about each axis by an angle drawn uniformly
            from -rotation to rotation, in radians; 0 for none. Needs three coordinates.
        relative_to_center: Give joints relative to the layout's centre in each frame; the centre
            keeps its own place, and with it the trajectory (Hyperformer, BlockGCN).
        bone_center: Let the centre keep its own coordinates in the bone stream (the same).
        origin_joint: Put the origin of each frame at this joint of the first person, before the
            stream is made (HCN: 1). Where that person lacks the joint, its last place counts.
        score_channel: The last channel is the confidence of a joint, which bones and motion
            average as mmaction2's ``JointToBone`` and ``ToMotion`` do, and which nothing else
            touches. Not together with ``rotation``.
        append_joints: Append the joints as they are before the stream is made to the channels
            (BlockGCN).

    Shape:
        - Input: a list of (clips, M, T, V, C)
        - Output: (N, clips, M, T, V, C), float32; 2 * C channels with ``append_joints``

    Raises:
        InputError: If an argument is out of its range, or the skeletons do not fit the layout or
            each other.

    Example:
        >>> import torch
        >>> preprocessor = SkeletonPreprocessor(layout='nturgb+d', stream='b')
        >>> batch = {'inputs': 4 * [torch.randn(1, 2, 64, 25, 3)], 'data_samples': []}
        >>> preprocessor(batch)['inputs'].shape
        torch.Size([4, 1, 2, 64, 25, 3])
    """

    def __init__(
        self,
        layout: str | dict | SkeletonLayout = 'nturgb+d',
        stream: str = 'j',
        rotation: float = 0.0,
        relative_to_center: bool = False,
        bone_center: bool = False,
        origin_joint: int | None = None,
        score_channel: bool = False,
        append_joints: bool = False,
        non_blocking: bool = False,
    ) -> None:
        super().__init__(non_blocking=non_blocking)
        if stream not in STREAMS:
            raise InputError(
                f'model.data_preprocessor.stream is {stream!r}, it must be one of '
                f'{", ".join(STREAMS)}'
            )
        if rotation < 0:
            raise InputError(
                f'model.data_preprocessor.rotation is {rotation}, it must be 0 or more'
            )
        self.layout = get_layout(layout)
        if rotation and score_channel:
            raise InputError(
                f'model.data_preprocessor.rotation is {rotation}, but with score_channel there are '
                'not three coordinates to rotate: set it to 0'
            )
        if origin_joint is not None and not 0 <= origin_joint < self.layout.num_joints:
            raise InputError(
                f'model.data_preprocessor.origin_joint is {origin_joint}, the layout '
                f'{self.layout.name!r} has the joints 0 to {self.layout.num_joints - 1}'
            )
        self.stream = stream
        self.rotation = rotation
        self.relative_to_center = relative_to_center
        self.bone_center = bone_center
        self.origin_joint = origin_joint
        self.score_channel = score_channel
        self.append_joints = append_joints
        self.register_buffer('parents', torch.tensor(self.layout.bone_parents), persistent=False)

    def forward(self, data: dict, training: bool = False) -> dict:
        """Make ``inputs`` (N, clips, M, T, V, C) of a list of clips; rotate them in training."""
        data = {key: self._move(value) if key != 'inputs' else value for key, value in data.items()}
        x = self._stack(data['inputs'])
        with full_precision(torch.empty(0)), full_precision(x):  # matrices are made on the CPU
            return {**data, 'inputs': self._transform(x, training)}

    def _move(self, samples: object) -> object:
        """Copy data samples to the device; if labels are all that they hold, in one copy."""
        if on_cpu(self.parents) or not have_labels_alone(samples):
            return self.cast_data(samples)
        labels = move(torch.stack([sample.gt_label for sample in samples]), self.device)
        return [s.new(gt_label=row) for s, row in zip(samples, labels.unbind(), strict=True)]

    def _transform(self, x: Tensor, training: bool) -> Tensor:
        """Rotate skeletons (N, clips, M, T, V, C) and make the stream of them."""
        coordinates = x.shape[-1] - self.score_channel
        valid = find_valid(x[..., :coordinates])  # (N, clips, M, T, V, 1)
        if training and self.rotation:
            x = self._rotate(x)
        x, score = x[..., :coordinates], x[..., coordinates:]
        if self.origin_joint is not None:
            x = torch.where(valid, x - self._origin(x, valid), 0)
        stream, valid = self._to_stream(x, valid)
        parts = [keep_valid(stream, valid)]
        if self.score_channel:
            scores = score_of_stream(score, self.stream, self.parents)
            parts.append(scores if self.stream == 'j' else torch.where(valid, scores, 0))
        if self.append_joints:
            parts += [x, score]
        return torch.cat(parts, -1) if len(parts) > 1 else parts[0]

    def _stack(self, inputs: list[Tensor] | Tensor) -> Tensor:
        shapes = sorted({tuple(x.shape) for x in inputs})
        if len(shapes) > 1:
            raise InputError(
                f'skeletons of one batch differ in shape: {shapes[0]} and {shapes[1]} (clips, '
                'persons, frames, joints, channels); the pipeline must bring them to one length'
            )
        num_joints = shapes[0][-2]
        if num_joints != self.layout.num_joints:
            raise InputError(
                f'the skeletons have {num_joints} joints, the layout {self.layout.name!r} of '
                f'model.data_preprocessor.layout has {self.layout.num_joints}'
            )
        stacked = torch.stack(inputs) if isinstance(inputs, list | tuple) else inputs
        return move(stacked, self.device).float()

    def _rotate(self, x: Tensor) -> Tensor:
        if x.shape[-1] != 3:
            raise InputError(
                f'model.data_preprocessor.rotation is {self.rotation}, but the skeletons have '
                f'{x.shape[-1]} coordinates instead of 3: set it to 0'
            )
        angles = torch.empty(len(x), 3).uniform_(-self.rotation, self.rotation)
        matrices = move(rotation_matrices(angles), x.device)  # (N, 3, 3)
        flat = x.flatten(1, -2)  # (N, clips * M * T * V, 3)
        return (flat @ matrices.mT).view_as(x)

    def _origin(self, x: Tensor, valid: Tensor) -> Tensor:
        """The origin of each frame; zero in a frame without the first person."""
        x, valid = x[:, :, :1], valid[:, :, :1]
        assert self.origin_joint is not None
        return track_joint(x, valid, self.origin_joint) * valid.any(-2, keepdim=True)

    def _to_stream(self, x: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
        """The stream, and the mask of what is valid in it."""
        center = self.layout.center
        result = x
        if 'b' in self.stream:
            result, valid = bones(x, self.parents, valid)
        elif self.relative_to_center:
            result = torch.where(valid, x - track_joint(x, valid, center), 0)
        if self.bone_center if 'b' in self.stream else self.relative_to_center:
            result[..., center, :] = x[..., center, :]
        return motion(result, valid) if 'm' in self.stream else (result, valid)


def have_labels_alone(samples: object) -> TypeGuard[list[ActionDataSample]]:
    """Whether all that samples hold is a label, of one shape for all."""
    if not isinstance(samples, list) or not all(isinstance(s, ActionDataSample) for s in samples):
        return False
    if not all(sample.keys() == ['gt_label'] for sample in samples):
        return False
    return len({sample.gt_label.shape for sample in samples}) == 1
