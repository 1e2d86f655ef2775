"""What the commands do, callable from Python."""

from csre_mm.apis.config import (
    get_config,
    merge_common,
    merge_options,
    merge_resume,
    merge_training,
    read_config,
)
from csre_mm.apis.inferencer import SkeletonInferencer
from csre_mm.apis.prediction import Prediction
from csre_mm.apis.runner import build_runner

__all__ = [
    'Prediction',
    'SkeletonInferencer',
    'build_runner',
    'get_config',
    'merge_common',
    'merge_options',
    'merge_resume',
    'merge_training',
    'read_config',
]
