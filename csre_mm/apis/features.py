"""Features of recordings, computed by a trained recognizer.

The encoder's feature is its feature map averaged over persons, frames and joints; z_s and z_t are
what CSRE contrasts in training, computed by the STFD in the checkpoint.
"""

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from mmaction.models import Recognizer3D
from mmaction.registry import DATASETS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope
from torch import Tensor

from csre_mm.apis.inferencer import SkeletonInferencer
from csre_mm.apis.recordings import Recording, Recordings, from_annotation
from csre_mm.models.necks.csre import group_by_sample
from csre_mm.models.necks.stfd import STFD
from csre_mm.utils.config import build, innermost_datasets
from csre_mm.utils.errors import InputError, one_line
from csre_mm.utils.files import atomic_path

_STFD = 'neck.stfd.'


class Features(NamedTuple):
    """Features of N samples.

    The kinds are ``encoder`` and, if the checkpoint has the neck of CSRE, ``z_s`` and ``z_t``.
    """

    names: list[str]
    labels: np.ndarray  # (N,), int64
    kinds: dict[str, np.ndarray]  # (N, D) each, float32


def load_stfd(state: Mapping[str, Tensor]) -> STFD | None:
    """Rebuild the decomposition of CSRE from the tensors of a checkpoint.

    Returns:
        The module, or None: the checkpoint is of a baseline, or is published.

    Raises:
        InputError: If some of its tensors are missing or do not fit each other.

    Example:
        >>> from csre_mm.utils.checkpoints import read_state_dict
        >>> type(load_stfd(read_state_dict('epoch_1.pth'))).__name__
        'STFD'
    """
    own = {k.removeprefix(_STFD): v for k, v in state.items() if k.startswith(_STFD)}
    if not own:
        return None
    try:
        squeeze = own['spatial.squeeze.weight']  # (C/r, C, 1)
        project = own['spatial.project.weight']  # (D, C/r * V)
        squeezed, in_channels = squeeze.shape[:2]
        stfd = STFD(
            in_channels=in_channels,
            num_frames=own['temporal.project.weight'].shape[1] // squeezed,
            num_joints=project.shape[1] // squeezed,
            feat_dim=len(project),
            reduction=in_channels // squeezed,
        )
        stfd.load_state_dict(own)
    except (KeyError, RuntimeError, IndexError, ZeroDivisionError) as error:
        raise InputError(f'the neck in the checkpoint is damaged: {one_line(error)}') from error
    return stfd.eval()


def find_samples(cfg: Config, split: str) -> Recordings:
    """The recordings that ``split`` stands for, as the data sets of the config select them.

    ``train``, ``val`` and ``test`` are those of the config's data loaders, each once and in order,
    any other name is a split in the annotation file of testing, such as ``val_clean``.
    """
    part = split if split in ('train', 'val', 'test') else 'test'
    found = innermost_datasets(cfg, f'{part}_dataloader')
    init_default_scope(cfg.get('default_scope', 'mmaction'))
    readers: list[Callable[[], Recording]] = []
    for _, settings in found if part == split else found[:1]:
        own = {} if part == split else {'split': split}
        if settings.get('type') == 'PoseDataset':  # which would run code in the file
            own['type'] = 'SkeletonDataset'
        with no_info():  # mmaction2 counts the samples
            dataset = build(DATASETS.build, {**settings, 'pipeline': [], **own})
        readers += [partial(_read_sample, dataset, index) for index in range(len(dataset))]
    return Recordings(readers)


@contextmanager
def no_info() -> Iterator[None]:
    """Leave out what mmengine's logger has to say but warnings, in a block."""
    logger = MMLogger.get_current_instance()
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)


def _read_sample(dataset: Any, index: int) -> Recording:
    sample = dataset[index]
    return from_annotation(sample, f'{dataset.ann_file}: sample {sample["frame_dir"]}')


def extract_features(
    inferencer: SkeletonInferencer,
    stfd: STFD | None,
    recordings: Recordings,
    track: Callable[[Sequence[int]], Iterable[int]] = iter,
) -> Features:
    """Compute the features of recordings.

    Args:
        inferencer: The recognizer.
        stfd: The decomposition (:func:`load_stfd`).
        recordings: The recordings; a label that is not known becomes -1.
        track: Wraps the sequence of batches, for a progress bar.

    Raises:
        InputError: If a recording cannot be read or is not what the model takes.

    Example:
        >>> inferencer = SkeletonInferencer('config.py', 'epoch_1.pth')
        >>> features = extract_features(inferencer, None, find_recordings('own.npy'))
        >>> features.names, features.kinds['encoder'].shape
        (['own'], (1, 32))
    """
    names: list[str] = []
    labels: list[int] = []
    parts = []
    for start in track(range(0, len(recordings), inferencer.batch_size)):
        batch = list(recordings[start : start + inferencer.batch_size])
        for recording in batch:
            inferencer.check(recording)
            names.append(recording.name)
            labels.append(-1 if recording.label is None else recording.label)
        data = pseudo_collate([inferencer.prepare(recording) for recording in batch])
        parts.append(batch_features(inferencer.model, stfd, data))
    kinds = {kind: np.concatenate([part[kind] for part in parts]) for kind in parts[0]}
    return Features(names, np.array(labels, dtype=np.int64), kinds)


@torch.no_grad()
def batch_features(model: torch.nn.Module, stfd: STFD | None, batch: dict) -> dict[str, np.ndarray]:
    """Features (N, D) by kind of what the pipeline and ``pseudo_collate`` give."""
    data = model.data_preprocessor(batch, False)  # type: ignore[operator]
    x, _ = model.extract_feat(data['inputs'], stage='backbone')  # type: ignore[operator]
    if isinstance(model, Recognizer3D):
        x = x.flatten(3)  # (N * clips, C, T, H, W) -> (N * clips, C, T, V)
    x = group_by_sample(x, len(data['data_samples']))
    kinds = {'encoder': x.mean(dim=(1, 3, 4))}  # (N, C)
    if stfd is not None:
        if x.shape[3:] != (stfd.num_frames, stfd.num_joints):
            raise InputError(
                f'the pipeline of test_dataloader gives feature maps of {x.shape[3]} '
                f'frames and {x.shape[4]} positions, the neck was trained on {stfd.num_frames} and '
                f'{stfd.num_joints}: set the clip_len, or the crop_size, of training in it'
            )
        kinds['z_s'], kinds['z_t'] = stfd(x)
    return {kind: value.float().cpu().numpy() for kind, value in kinds.items()}


def save_features(features: Features, path: str | os.PathLike) -> None:
    """Write ``names``, ``labels`` and each kind to an ``.npz``.

    Raises:
        InputError: If the suffix is another.

    Example:
        >>> features = Features(['s1'], np.array([0]), {'encoder': np.ones((1, 8), np.float32)})
        >>> save_features(features, 'features.npz')
    """
    if Path(path).suffix != '.npz':
        raise InputError(f'{path}: the name must end in .npz')
    with atomic_path(path) as file:
        kinds: Any = features.kinds
        np.savez_compressed(file, names=features.names, labels=features.labels, **kinds)
