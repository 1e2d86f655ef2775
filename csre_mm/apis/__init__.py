"""What the commands do, callable from Python."""

from csre_mm.apis.inferencer import SkeletonInferencer
from csre_mm.apis.prediction import Prediction
from csre_mm.apis.runner import build_runner, merge_common, merge_resume, merge_training
from csre_mm.utils.config import merge_options, read_config

__all__ = [
    'Prediction',
    'SkeletonInferencer',
    'build_runner',
    'merge_common',
    'merge_options',
    'merge_resume',
    'merge_training',
    'read_config',
]
