"""The data sets inside of wrappers, and their labels."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from mmengine.dataset import BaseDataset


def innermost(dataset: Any) -> Iterator[Any]:
    """The data sets inside of wrappers that repeat, balance or join them."""
    inner = getattr(dataset, 'datasets', None) or [getattr(dataset, 'dataset', None)]
    for each in inner:
        if each is not None:
            yield from innermost(each)
        else:
            yield dataset


def labels_of(dataset: Any) -> np.ndarray | None:
    """The label of each sample, or None where a sample has none, or several.

    mmaction2's data sets unpickle their annotations one by one: some 50 us a sample.
    """
    if not isinstance(dataset, BaseDataset):
        return None
    if (labels := getattr(dataset, 'labels', None)) is not None:
        return labels
    dataset.full_init()
    found = [dataset.get_data_info(index).get('label') for index in range(len(dataset))]
    return np.array(found) if all(isinstance(label, int | np.integer) for label in found) else None
