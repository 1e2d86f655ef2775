"""The dataset, its transforms, and the layouts of skeletons."""

from csre_mm.datasets.layouts import LAYOUTS, SkeletonLayout, get_layout
from csre_mm.datasets.skeleton_dataset import SkeletonDataset
from csre_mm.datasets.slot_per_repeat_dataset import SlotPerRepeatDataset
from csre_mm.datasets.transforms import CenterSkeleton, CropResize, NormalizeRange, SampleSorted

__all__ = [
    'LAYOUTS',
    'CenterSkeleton',
    'CropResize',
    'NormalizeRange',
    'SampleSorted',
    'SkeletonDataset',
    'SkeletonLayout',
    'SlotPerRepeatDataset',
    'get_layout',
]
