"""Figures for papers, animations of recordings, and reports on runs."""

from csre_mm.visualization.comparison_figure import draw_class_gains, draw_pair_changes
from csre_mm.visualization.confusion_figure import draw_confusion
from csre_mm.visualization.curves_figure import draw_curves
from csre_mm.visualization.embedding_figure import draw_embedding, draw_silhouettes
from csre_mm.visualization.report import Report
from csre_mm.visualization.run_folder import gather_run
from csre_mm.visualization.skeleton_animation import draw_animation
from csre_mm.visualization.timeline import draw_timeline

__all__ = [
    'Report',
    'draw_animation',
    'draw_class_gains',
    'draw_confusion',
    'draw_curves',
    'draw_embedding',
    'draw_pair_changes',
    'draw_silhouettes',
    'draw_timeline',
    'gather_run',
]
