"""What a config's pipeline hands to its model."""

from typing import Any

from mmengine.config import Config, ConfigDict

from csre_mm.datasets.layouts import get_layout
from csre_mm.utils.errors import InputError


def input_shape(cfg: Config, training: bool = False) -> tuple[int, ...]:
    """The shape of one sample behind the pipeline, of a single clip.

    Args:
        cfg: A config of a skeleton recognizer, or of one of heat maps.
        training: Whether the training pipeline is asked for, and not the testing one.

    Returns:
        (1, M, T, V, C) for skeletons, (1, V, T, H, W) for heat maps.

    Raises:
        InputError: If the pipeline does not say how many frames or persons it gives.
    """
    pipeline = pipeline_of(cfg, training)
    frames = _last(pipeline, 'clip_len')
    if frames is None:
        raise InputError('no transform of the pipeline has a clip_len')
    if any(step['type'] == 'GeneratePoseTarget' for step in pipeline):
        size = _last(pipeline, 'scale' if training else 'crop_size')
        height, width = (size, size) if isinstance(size, int) else tuple(size)[::-1]
        return 1, cfg.model.backbone.in_channels, frames, height, width
    persons = _last(pipeline, 'num_person')
    if persons is None:
        raise InputError('no transform of the pipeline has a num_person')
    layout = get_layout(cfg.model.get('data_preprocessor', {}).get('layout', 'nturgb+d'))
    return 1, persons, frames, layout.num_joints, cfg.model.backbone.get('in_channels', 3)


def pipeline_of(cfg: Config, training: bool = False) -> list[ConfigDict]:
    """The transforms of the training or the testing data.

    Args:
        cfg: A config.
        training: Whether the training pipeline is asked for, and not the testing one.
    """
    dataset = (cfg.train_dataloader if training else cfg.test_dataloader).dataset
    while 'pipeline' not in dataset:
        dataset = dataset.dataset
    return dataset.pipeline


def _last(pipeline: list[ConfigDict], key: str) -> Any:
    found = [step[key] for step in pipeline if key in step]
    return found[-1] if found else None
