"""The labels of any data set, inside of its wrappers."""

from collections.abc import Iterator

import numpy as np
from mmengine.dataset import BaseDataset


def innermost(dataset: object) -> Iterator[BaseDataset]:
    """The data sets inside of wrappers that repeat, balance or join them."""
    inner = getattr(dataset, 'datasets', None) or [getattr(dataset, 'dataset', None)]
    for each in inner:
        if each is not None:
            yield from innermost(each)
        elif isinstance(dataset, BaseDataset):
            yield dataset


def labels_of(dataset: BaseDataset) -> np.ndarray | None:
    """The label of each sample, or None where a sample has none, or several.

    mmaction2's data sets unpickle their annotations one by one: some 50 us a sample.
    """
    labels = getattr(dataset, 'labels', None)
    if labels is not None:
        return labels
    dataset.full_init()
    found = [dataset.get_data_info(index).get('label') for index in range(len(dataset))]
    return np.array(found) if all(isinstance(label, int | np.integer) for label in found) else None
