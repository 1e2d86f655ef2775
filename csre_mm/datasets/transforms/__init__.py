"""Transforms of one skeleton sequence, registered beside mmaction2's."""

from csre_mm.datasets.transforms.normalize import CenterSkeleton, NormalizeRange
from csre_mm.datasets.transforms.sample_frames import CropResize, SampleSorted

__all__ = ['CenterSkeleton', 'CropResize', 'NormalizeRange', 'SampleSorted']
