"""Pictures of recordings and of what is said of them."""

from csre_mm.visualization.skeleton_animation import check_movie, draw_animation
from csre_mm.visualization.timeline import draw_timeline

__all__ = ['check_movie', 'draw_animation', 'draw_timeline']
