"""Transforms of one skeleton sequence, registered besides mmaction2's."""

from csre_mm.datasets.transforms.normalize import CenterSkeleton, NormalizeRange
from csre_mm.datasets.transforms.project import ProjectToImage
from csre_mm.datasets.transforms.sample_frames import CropResize, LoopFrames, SampleSorted
from csre_mm.datasets.transforms.sample_uniform import SampleUniform

__all__ = [
    'CenterSkeleton',
    'CropResize',
    'LoopFrames',
    'NormalizeRange',
    'ProjectToImage',
    'SampleSorted',
    'SampleUniform',
]
