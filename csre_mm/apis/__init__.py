"""What the commands do, callable from Python."""

from csre_mm.apis.cost import measure_costs
from csre_mm.apis.csre_config import complete_config
from csre_mm.apis.data_settings import merge_options
from csre_mm.apis.export import Exporter
from csre_mm.apis.features import extract_features, load_stfd, save_features
from csre_mm.apis.inferencer import SkeletonInferencer
from csre_mm.apis.publishing import publish
from csre_mm.apis.recordings import Recording, find_recordings
from csre_mm.apis.runner import build_runner
from csre_mm.models.conversion import ENCODERS, convert_weights
from csre_mm.utils.config import get_config, read_config

__all__ = [
    'ENCODERS',
    'Exporter',
    'Recording',
    'SkeletonInferencer',
    'build_runner',
    'complete_config',
    'convert_weights',
    'extract_features',
    'find_recordings',
    'get_config',
    'load_stfd',
    'measure_costs',
    'merge_options',
    'publish',
    'read_config',
    'save_features',
]
