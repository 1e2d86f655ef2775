"""Score files and what is computed from them, logs of runs, and the state of memory banks."""

from csre_mm.evaluation.bank_health import describe_classes, load_banks
from csre_mm.evaluation.changes import find_changes
from csre_mm.evaluation.comparison import compare
from csre_mm.evaluation.confusion import (
    class_accuracies,
    confusion_matrix,
    join_scores,
    matrix_of,
    most_confused_pairs,
)
from csre_mm.evaluation.ensemble import fit_weights, fuse
from csre_mm.evaluation.scores import DumpScores, Scores, load_scores, save_scores
from csre_mm.evaluation.significance import measure_difference
from csre_mm.evaluation.training_log import read_run

__all__ = [
    'DumpScores',
    'Scores',
    'class_accuracies',
    'compare',
    'confusion_matrix',
    'describe_classes',
    'find_changes',
    'fit_weights',
    'fuse',
    'join_scores',
    'load_banks',
    'load_scores',
    'matrix_of',
    'measure_difference',
    'most_confused_pairs',
    'read_run',
    'save_scores',
]
