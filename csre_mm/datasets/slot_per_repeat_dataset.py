"""A repeated training set with a slot of the memory banks for each repeat."""

from typing import Any

from mmaction.registry import DATASETS
from mmengine.dataset import RepeatDataset


@DATASETS.register_module()
class SlotPerRepeatDataset(RepeatDataset):
    """``RepeatDataset`` that gives each repeat of a sample a separate position, and so a slot.

    With mmengine's the repeats of a sample have one slot, which holds its newest feature. Here a
    bank has ``times`` slots for a sample, each from another augmentation, and they are positives of
    each other: as in the authors' release of CSRE on NW-UCLA (``feeders/feeder_ucla.py``).

    Args:
        dataset: The training set.
        times: How often it is repeated.
        lazy_init: As for ``RepeatDataset``.

    Example:
        >>> from csre_mm.datasets import SkeletonDataset
        >>> dataset = SkeletonDataset('data.pkl', pipeline=[], split='train')
        >>> len(dataset), len(SlotPerRepeatDataset(dataset, times=5))
        (24, 120)
    """

    def __getitem__(self, idx: int) -> Any:
        """A sample with ``sample_idx`` counted over all repeats."""
        data = super().__getitem__(idx)
        data['data_samples'].set_metainfo({'sample_idx': idx})
        return data
