"""A trained recognizer as testing uses it: model, weights, pipeline, and what it takes."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.registry import init_default_scope
from torch import Tensor

from csre_mm.apis.recordings import Recording
from csre_mm.datasets.checks import read_plan
from csre_mm.engine.hooks.inference_checkpoint_hook import matching_state
from csre_mm.utils.checkpoints import load_checkpoint_file
from csre_mm.utils.errors import InputError


def load_recognizer(cfg: Config, state: dict[str, Tensor], where: str, device: str) -> Any:
    """Build a recognizer without its train-only neck, and load its weights.

    Args:
        cfg: The config, which stays as it is.
        state: Tensors of a checkpoint (:func:`read_state`).
        where: The checkpoint, for messages.
        device: ``'cpu'``, ``'cuda'``, ``'cuda:1'``, ...

    Returns:
        The model in evaluation mode.

    Raises:
        InputError: If the config builds no model, the checkpoint is of another one, or there is no
            such device.
    """
    target = find_device(device)
    init_default_scope(cfg.get('default_scope', 'mmaction'))
    settings = cfg.get('model')
    if not isinstance(settings, Mapping):
        raise InputError('the config has no model')
    settings = dict(settings)
    if (settings.get('neck') or {}).get('type') == 'CSRENeck':
        del settings['neck']  # it serves training only
    try:
        model = MODELS.build(settings)
    except (KeyError, TypeError) as error:
        reason = error.args[0] if error.args else ''
        raise InputError(f'the config cannot be built: {type(error).__name__}: {reason}') from error
    kept, _ = matching_state(state, model.state_dict(), where)
    model.load_state_dict(kept)
    return model.to(target).eval()


def read_state(path: str | os.PathLike) -> dict[str, Tensor]:
    """The tensors of a checkpoint, of a published one or of a bare state dict, by name.

    Raises:
        InputError: If there is no such file, or it is no checkpoint.
    """
    content = load_checkpoint_file(os.fspath(path), map_location='cpu')
    if isinstance(content, Mapping):
        content = content.get('state_dict', content)
    if not isinstance(content, Mapping) or not content or not _holds_tensors(content):
        raise InputError(f'{path} holds no state_dict: it is no checkpoint')
    return {key.removeprefix('module.'): value for key, value in content.items()}


def _holds_tensors(content: Mapping) -> bool:
    return all(isinstance(k, str) and isinstance(v, Tensor) for k, v in content.items())


def find_device(name: str) -> torch.device:
    """The device of a name.

    Raises:
        InputError: If there is none.
    """
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f'no device {name!r}: {reason:.100}') from error
    return device


def testing_settings(cfg: Config) -> tuple[list[dict], int, str]:
    """The pipeline, the batch and the annotation file of ``test_dataloader``.

    Raises:
        InputError: If the config has none.
    """
    loader = cfg.get('test_dataloader') or {}
    dataset = loader.get('dataset') or {}
    while 'pipeline' not in dataset and 'dataset' in dataset:
        dataset = dataset['dataset']
    if not dataset.get('pipeline'):
        raise InputError('the config has no test_dataloader.dataset.pipeline')
    return dataset['pipeline'], loader.get('batch_size', 1), dataset.get('ann_file', '')


def build_pipeline(steps: list[dict]) -> Compose:
    """Build the transforms of a pipeline.

    Raises:
        InputError: If one is unknown or does not take one of its arguments.
    """
    try:
        return Compose(steps)
    except (KeyError, TypeError) as error:
        reason = error.args[0] if error.args else ''
        raise InputError(
            f'the pipeline cannot be built: {type(error).__name__}: {reason}'
        ) from error


@dataclass(frozen=True)
class SkeletonShape:
    """What a recognizer takes.

    Attributes:
        num_joints: Joints V; None if the config does not say.
        num_coordinates: Coordinates C of a joint; None likewise.
        num_person: Persons M that the pipeline keeps; None if it keeps all.
    """

    num_joints: int | None
    num_coordinates: int | None
    num_person: int | None

    @classmethod
    def of(cls, cfg: Config) -> 'SkeletonShape':
        """Read it from a config.

        Raises:
            InputError: If the config is not one of a skeleton recognizer.
        """
        plan = read_plan(cfg)
        steps = {step['type']: step for step in testing_settings(cfg)[0]}
        joints = next(iter(plan.num_joints.values()), None)
        coordinates = plan.in_channels and plan.in_channels // plan.num_features
        if steps.get('GeneratePoseTarget', {}).get('with_kp', False):
            joints = cfg.model.backbone.get('in_channels', joints)
            coordinates = 3 if 'ProjectToImage' in steps else 2
        return cls(joints, coordinates, plan.num_person)

    def check(self, recording: Recording) -> None:
        """Insist on joints and coordinates that the model takes.

        Raises:
            InputError: If there are others.
        """
        coordinates = self.num_coordinates
        if coordinates and 'keypoint_score' in recording.fields and self.num_person:
            coordinates -= 1  # the score becomes a channel
        found = recording.keypoint.shape
        expected = (self.num_joints, coordinates)
        if any(want not in (None, have) for want, have in zip(expected, found[2:], strict=True)):
            raise InputError(
                f'{recording.name}: the skeleton has the shape {found}, the model takes '
                f'(M persons, T frames, {self.num_joints or "V"} joints, '
                f'{coordinates or "C"} coordinates)'
            )


def sample_of(recording: Recording, **fields: Any) -> dict[str, Any]:
    """What a pipeline takes, as a data set of mmaction2 hands it over."""
    keypoint = recording.keypoint
    sample: dict[str, Any] = {
        **recording.fields,
        'frame_dir': recording.name,
        'total_frames': keypoint.shape[1],
        'keypoint': keypoint.copy(),  # a transform may write into it
        'modality': 'Pose',
        'start_index': 0,
        **fields,
    }
    if recording.label is not None:
        sample['label'] = recording.label
    return sample
