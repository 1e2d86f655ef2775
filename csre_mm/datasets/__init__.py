"""The dataset, its transforms, and the layouts of skeletons."""

from csre_mm.datasets.annotations import load_annotations, save_annotations
from csre_mm.datasets.class_names import find_class_names
from csre_mm.datasets.joining import join_annotations
from csre_mm.datasets.layouts import LAYOUTS, SkeletonLayout, get_layout
from csre_mm.datasets.skeleton_dataset import SkeletonDataset
from csre_mm.datasets.slot_per_repeat_dataset import SlotPerRepeatDataset
from csre_mm.datasets.transforms.normalize import CenterSkeleton, NormalizeRange
from csre_mm.datasets.transforms.pre_normalize import PreNormalize2D, PreNormalize3D
from csre_mm.datasets.transforms.project import ProjectToImage
from csre_mm.datasets.transforms.sample_frames import CropResize, LoopFrames, SampleSorted
from csre_mm.datasets.transforms.sample_uniform import SampleUniform

__all__ = [
    'LAYOUTS',
    'CenterSkeleton',
    'CropResize',
    'LoopFrames',
    'NormalizeRange',
    'PreNormalize2D',
    'PreNormalize3D',
    'ProjectToImage',
    'SampleSorted',
    'SampleUniform',
    'SkeletonDataset',
    'SkeletonLayout',
    'SlotPerRepeatDataset',
    'find_class_names',
    'get_layout',
    'join_annotations',
    'load_annotations',
    'save_annotations',
]
