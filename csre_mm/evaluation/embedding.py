"""Features in two dimensions, and how well they separate the classes."""

import numpy as np

from csre_mm.utils.errors import InputError
from csre_mm.utils.optional import require

METHODS = ('pca', 'tsne', 'umap')
_PACKAGES = {'umap': ('umap', 'umap'), 'tsne': ('sklearn', 'analysis')}
_REDUCED = 50  # dimensions that t-SNE starts from, as its authors advise
_PERPLEXITY = 30.0


def check_method(method: str) -> None:
    """Look for the package of a method before the long work."""
    if method in _PACKAGES:
        require(*_PACKAGES[method], f'--method {method}')


def embed(features: np.ndarray, method: str, seed: int = 0) -> np.ndarray:
    """Bring features (N, D) to two dimensions (N, 2), float32.

    By ``pca``; ``tsne`` (van der Maaten and Hinton, 2008), from 50 principal components; or
    ``umap`` (McInnes et al., 2018), with the cosine distance.
    """
    if len(features) < 4:
        raise InputError(f'{len(features)} samples, a figure needs 4 at least')
    check_method(method)
    if method == 'pca':
        return principal_components(features, 2)
    if method == 'tsne':
        from sklearn.manifold import TSNE

        perplexity = min(_PERPLEXITY, (len(features) - 1) / 3)
        reducer = TSNE(init='pca', perplexity=perplexity, random_state=seed)
        features = principal_components(features, _REDUCED)
    else:
        from umap import UMAP

        neighbors = min(15, len(features) - 1)
        reducer = UMAP(metric='cosine', n_neighbors=neighbors, random_state=seed, n_jobs=1)
    return reducer.fit_transform(features).astype(np.float32)


def principal_components(features: np.ndarray, count: int) -> np.ndarray:
    """The coordinates of features (N, D) along the ``count`` directions of most variance.

    There are fewer, but 2 at least, if N or D is less. Of each direction the largest coordinate is
    positive, so that the same features give the same figure.
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

    Distances are of the cosine, as in the contrast of CSRE: of features (N, D) with labels (N,) the
    silhouettes (N,) are from -1 to 1, and 0 for the only sample of its class.
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
