"""What the commands do, callable from Python."""

from csre_mm.apis.cost import Cost, CostReport, measure_costs
from csre_mm.apis.csre_config import complete_config
from csre_mm.apis.data_settings import apply_data_settings, merge_options
from csre_mm.apis.export import Exporter, GraphLatency
from csre_mm.apis.export_formats import FORMATS, find_format, load_scorer
from csre_mm.apis.features import (
    Features,
    extract_features,
    load_stfd,
    save_features,
    split_settings,
)
from csre_mm.apis.inferencer import SkeletonInferencer
from csre_mm.apis.prediction import Prediction
from csre_mm.apis.publishing import Published, publish
from csre_mm.apis.recognizer import baseline_model, load_recognizer, testing_config
from csre_mm.apis.recordings import Recording, Recordings, find_recordings
from csre_mm.apis.runner import build_runner, merge_common, merge_resume, merge_training
from csre_mm.apis.tracking import TRACKERS, merge_trackers
from csre_mm.apis.windows import Latency
from csre_mm.models.conversion import ENCODERS, convert_weights
from csre_mm.utils.checkpoints import read_state_dict
from csre_mm.utils.config import get_config, has_csre, read_config

__all__ = [
    'ENCODERS',
    'FORMATS',
    'TRACKERS',
    'Cost',
    'CostReport',
    'Exporter',
    'Features',
    'GraphLatency',
    'Latency',
    'Prediction',
    'Published',
    'Recording',
    'Recordings',
    'SkeletonInferencer',
    'apply_data_settings',
    'baseline_model',
    'build_runner',
    'complete_config',
    'convert_weights',
    'extract_features',
    'find_format',
    'find_recordings',
    'get_config',
    'has_csre',
    'load_recognizer',
    'load_scorer',
    'load_stfd',
    'measure_costs',
    'merge_common',
    'merge_options',
    'merge_resume',
    'merge_trackers',
    'merge_training',
    'publish',
    'read_config',
    'read_state_dict',
    'save_features',
    'split_settings',
    'testing_config',
]
