"""Features of a split, what they look like in two dimensions, and how well the classes part.

The encoder's feature is its map averaged over persons, frames and joints; z_s and z_t are what CSRE
contrasts in training, computed by the STFD in the checkpoint.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from mmaction.models import Recognizer3D
from mmengine.config import Config
from torch import Tensor

from csre_mm.models.necks import STFD
from csre_mm.utils.errors import InputError
from csre_mm.utils.files import atomic_path
from csre_mm.utils.optional import require

METHODS = ('pca', 'tsne', 'umap')
_STFD = 'neck.stfd.'
_REDUCED = 50  # dimensions that t-SNE starts from, as its authors advise
_PERPLEXITY = 30.0


class Features(NamedTuple):
    """Features of N samples.

    Attributes:
        names: Names of the samples (N,).
        labels: Classes (N,), int64.
        kinds: By what they are, ``encoder`` and, if the checkpoint has the neck of CSRE, ``z_s``
            and ``z_t``: (N, D), float32.
    """

    names: list[str]
    labels: np.ndarray
    kinds: dict[str, np.ndarray]


def load_stfd(state: Mapping[str, Tensor]) -> STFD | None:
    """Rebuild the decomposition of CSRE from the tensors of a checkpoint.

    Returns:
        The module, or None: the checkpoint is of a baseline, or is published.

    Raises:
        InputError: If some of its tensors are missing or do not fit each other.
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
        reason = ' '.join(str(error).split())
        raise InputError(f'the neck in the checkpoint is damaged: {reason:.200}') from error
    return stfd.eval()


def split_settings(cfg: Config, split: str) -> tuple[str, str | None]:
    """The annotation file and the split in it that ``split`` stands for.

    Args:
        cfg: A config.
        split: ``train``, ``val`` or ``test``: that of the config's data loader. Else a split in the
            annotation file of testing, such as ``val_clean``.
    """
    part = split if split in ('train', 'val', 'test') else 'test'
    dataset = (cfg.get(f'{part}_dataloader') or {}).get('dataset') or {}
    while 'ann_file' not in dataset and 'dataset' in dataset:
        dataset = dataset['dataset']
    if 'ann_file' not in dataset:
        raise InputError(f'the config has no {part}_dataloader.dataset.ann_file')
    return dataset['ann_file'], dataset.get('split') if part == split else split


@torch.no_grad()
def batch_features(model: torch.nn.Module, stfd: STFD | None, batch: dict) -> dict[str, np.ndarray]:
    """Features of a batch.

    Args:
        model: A recognizer in evaluation mode.
        stfd: The decomposition.
        batch: What the pipeline and ``pseudo_collate`` give.

    Returns:
        By kind (N, D), float32.

    Raises:
        InputError: If the map is not of the size that the neck was trained on.
    """
    data = model.data_preprocessor(batch, False)  # type: ignore[operator]
    x, _ = model.extract_feat(data['inputs'], stage='backbone')  # type: ignore[operator]
    if isinstance(model, Recognizer3D):
        x = x.flatten(3).unsqueeze(1)  # (N * clips, C, T, H, W) -> (N * clips, 1, C, T, V)
    num_samples = len(data['data_samples'])
    x = x.reshape(num_samples, -1, *x.shape[2:])  # clips count as persons, as in CSRENeck
    kinds = {'encoder': x.mean(dim=(1, 3, 4))}  # (N, C)
    if stfd is not None:
        if x.shape[3:] != (stfd.num_frames, stfd.num_joints):
            raise InputError(
                f'the pipeline of test_dataloader gives maps of {x.shape[3]} frames and '
                f'{x.shape[4]} places, the neck was trained on {stfd.num_frames} and '
                f'{stfd.num_joints}: set the clip_len, or the crop_size, of training in it'
            )
        kinds['z_s'], kinds['z_t'] = stfd(x)
    return {kind: value.float().cpu().numpy() for kind, value in kinds.items()}


def join_batches(batches: Iterator[tuple[list[str], list[int], dict[str, np.ndarray]]]) -> Features:
    """Join names, labels and features of batches."""
    names: list[str] = []
    labels: list[int] = []
    parts: dict[str, list[np.ndarray]] = {}
    for batch_names, batch_labels, kinds in batches:
        names += batch_names
        labels += batch_labels
        for kind, values in kinds.items():
            parts.setdefault(kind, []).append(values)
    return Features(
        names,
        np.array(labels, dtype=np.int64),
        {kind: np.concatenate(values) for kind, values in parts.items()},
    )


def save_features(features: Features, path: str | os.PathLike) -> None:
    """Write ``names``, ``labels`` and each kind to an ``.npz``.

    Raises:
        InputError: If the suffix is another.
    """
    if Path(path).suffix != '.npz':
        raise InputError(f'{path}: the name must end in .npz')
    arrays: dict[str, Any] = {'names': np.array(features.names), 'labels': features.labels}
    arrays.update(features.kinds)
    with atomic_path(path) as file:
        np.savez_compressed(file, **arrays)


def check_method(method: str) -> None:
    """Look for the package of a method before the long work.

    Raises:
        InputError: If it is not installed; the message has the command.
    """
    if method == 'umap':
        require('umap', 'umap', '--method umap')
    if method == 'tsne':
        require('sklearn', 'analysis', '--method tsne')


def embed(features: np.ndarray, method: str, seed: int = 0) -> np.ndarray:
    """Bring features to two dimensions.

    Args:
        features: (N, D).
        method: ``pca``; ``tsne`` (van der Maaten and Hinton, 2008), from 50 principal components;
            ``umap`` (McInnes et al., 2018), by the cosine.
        seed: Of the last two.

    Returns:
        (N, 2), float32.

    Raises:
        InputError: If there are fewer than 4 samples, or the method's package is not installed.
    """
    if len(features) < 4:
        raise InputError(f'{len(features)} samples, a picture needs 4 at least')
    if method == 'pca':
        return principal_components(features, 2)
    if method == 'tsne':
        require('sklearn', 'analysis', '--method tsne')
        from sklearn.manifold import TSNE

        tsne = TSNE(
            init='pca',
            perplexity=min(_PERPLEXITY, (len(features) - 1) / 3),
            random_state=seed,
        )
        return tsne.fit_transform(principal_components(features, _REDUCED)).astype(np.float32)
    umap = require('umap', 'umap', '--method umap')
    reducer = umap.UMAP(
        metric='cosine', n_neighbors=min(15, len(features) - 1), random_state=seed, n_jobs=1
    )
    return reducer.fit_transform(features).astype(np.float32)


def principal_components(features: np.ndarray, count: int) -> np.ndarray:
    """The coordinates along the directions of most variance, each with a sign of its own choice.

    Args:
        features: (N, D).
        count: Directions, 2 or more; fewer, but 2 at least, if N or D is less.

    Returns:
        (N, count), float32; of each direction the largest coordinate is positive, so that the same
        features give the same picture.
    """
    centred = features.astype(np.float64) - features.mean(axis=0, dtype=np.float64)
    left, values, _ = np.linalg.svd(centred, full_matrices=False)
    scores = left[:, :count] * values[:count]  # (N, count)
    largest = np.abs(scores).argmax(axis=0)
    signs = np.sign(scores[largest, np.arange(scores.shape[1])])
    scores = scores * np.where(signs == 0, 1, signs)
    missing = max(0, 2 - scores.shape[1])  # of a single feature there is one direction
    return np.pad(scores, ((0, 0), (0, missing))).astype(np.float32)


def silhouettes(features: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """How much nearer each sample is to its class than to the next one (Rousseeuw, 1987).

    Distances are those of the cosine, by which CSRE compares.

    Args:
        features: (N, D).
        labels: (N,), 2 to N - 1 different ones.

    Returns:
        From -1 to 1; 0 for the only sample of its class. Shape (N,), float64.

    Raises:
        InputError: If there are too few classes or samples, or scikit-learn is not installed.
    """
    require('sklearn', 'analysis', 'a silhouette')
    from sklearn.metrics import silhouette_samples

    classes = len(np.unique(labels))
    if not 2 <= classes < len(labels):
        raise InputError(f'{len(labels)} samples of {classes} classes have no silhouette')
    return np.asarray(silhouette_samples(features, labels, metric='cosine'), np.float64)


def class_means(values: np.ndarray, labels: np.ndarray) -> dict[int, float]:
    """The mean of ``values`` (N,) over the samples of each class, by label."""
    return {int(label): float(values[labels == label].mean()) for label in np.unique(labels)}
