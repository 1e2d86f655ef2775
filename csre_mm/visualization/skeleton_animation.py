"""A recording as an animation of its skeletons."""

import os
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from matplotlib.animation import PillowWriter
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from mpl_toolkits.mplot3d.art3d import Line3DCollection

from csre_mm.datasets.layouts import SkeletonLayout
from csre_mm.utils.errors import InputError
from csre_mm.utils.files import atomic_path
from csre_mm.visualization.figures import COLOURS, paper_style

FPS = 30  # frames a second of the sensors of NTU RGB+D and NW-UCLA
GIF_STEP = 2  # a .gif shows every second frame: half the file, and players cannot keep up with more
MOST_FRAMES = 300  # of a longer recording more frames are left out; it plays at the same speed

_SIDE = 3.6  # inches
_DPI = 100
_GRID = 0.5  # metres
_WRAP = 44  # characters of a caption's line


def draw_animation(
    keypoint: np.ndarray,
    layout: SkeletonLayout,
    captions: Sequence[str],
    path: str | os.PathLike,
    progress: Callable[[], None] = lambda: None,
) -> int:
    """Draw a recording seen by its sensor, a little from the side and from above.

    The coordinates are those of a Kinect: x to the sensor's left, y up, z away from it.

    Args:
        keypoint: Metres. Shape (M, T, V, 3); a person who is absent from a frame is zeros.
        layout: The skeleton.
        captions: What is written above each frame; lines are wrapped. Length T.
        path: The file, a ``.gif``.
        progress: Is called after each drawn frame.

    Returns:
        The number of frames drawn.

    Raises:
        InputError: If the skeletons are not of the layout, or the suffix is another.

    Example:
        >>> from csre_mm.datasets import get_layout
        >>> keypoint = np.random.randn(1, 4, 20, 3)
        >>> draw_animation(keypoint, get_layout('nw-ucla'), ['wave'] * 4, 'wave.gif')
        2
    """
    if Path(path).suffix.lower() != '.gif':
        raise InputError(f'{path}: an animation is a .gif')
    if keypoint.shape[2:] != (layout.num_joints, 3):
        raise InputError(
            f'{path}: skeletons of the shape {keypoint.shape} cannot be drawn, expected '
            f'(M, T, {layout.num_joints}, 3)'
        )
    step = frame_step(keypoint.shape[1])
    frames = range(0, keypoint.shape[1], step)
    present: np.ndarray = np.any(keypoint, axis=(2, 3))  # (M, T)
    points = to_plot_axes(keypoint)
    fps: Any = FPS / step
    writer = PillowWriter(fps)
    with paper_style(), atomic_path(path) as file:
        scene = Scene(points, present, layout)
        with writer.saving(scene.figure, str(file), _DPI):
            for frame in frames:
                scene.show(frame, captions[frame])
                writer.grab_frame()
                progress()
    return len(frames)


def frame_step(num_frames: int) -> int:
    """Frames from one drawn frame to the next: more in a long recording."""
    return max(GIF_STEP, -(-num_frames // MOST_FRAMES))


def to_plot_axes(keypoint: np.ndarray) -> np.ndarray:
    """Turn a Kinect's coordinates (x left, y up, z away) to those of a plot (right, away, up).

    It is a rotation: a left hand stays a left hand.
    """
    x, y, z = np.moveaxis(keypoint, -1, 0)
    return np.stack([-x, z, y], axis=-1)


class Scene:
    """A figure whose skeletons (M, T, V, 3) can be moved, where (M, T) says they are present."""

    def __init__(self, points: np.ndarray, present: np.ndarray, layout: SkeletonLayout) -> None:
        self.points, self.present = points, present
        self.edges = np.array(layout.edges)  # (edges, 2)
        self.figure = Figure(figsize=(_SIDE, _SIDE), dpi=_DPI)
        FigureCanvasAgg(self.figure)
        self.caption = self.figure.text(
            0.5, 0.985, '', ha='center', va='top', fontsize=9, parse_math=False, linespacing=1.3
        )
        self.axes = cast(Any, self.figure.add_axes((0, 0, 1, 0.9), projection='3d'))
        self._set_up_axes()
        self.bodies: list[tuple[Line3DCollection, Any]] = []
        for person in range(len(points)):
            colour = COLOURS[person % len(COLOURS)]
            bones = Line3DCollection([], colors=colour, linewidths=2.2, capstyle='round', zorder=2)
            self.axes.add_collection3d(bones, autolim=False)
            (joints,) = self.axes.plot([], [], [], 'o', color=colour, markersize=3.2, zorder=3)
            self.bodies.append((bones, joints))

    def _set_up_axes(self) -> None:
        """Equal axes that hold all frames, and a floor with lines half a metre apart."""
        seen = self.points[self.present].reshape(-1, 3)
        low, high = seen.min(0), seen.max(0)
        low[:2], high[:2] = np.floor(low[:2] / _GRID) * _GRID, np.ceil(high[:2] / _GRID) * _GRID
        high = np.maximum(high, low + _GRID)
        (left, near, floor), (right, far, _) = low, high
        self.axes.set(xlim=(left, right), ylim=(near, far), zlim=(floor, high[2]))
        self.axes.set_box_aspect(high - low, zoom=1.15)
        self.axes.view_init(elev=12, azim=-78)
        self.axes.set_proj_type('persp', focal_length=0.6)
        self.axes.set_axis_off()
        self.axes.computed_zorder = False  # the floor is below, whatever is nearer
        across, along = (
            np.arange(a, b + _GRID / 2, _GRID) for a, b in zip(low[:2], high[:2], strict=True)
        )
        lines = [[(x, near, floor), (x, far, floor)] for x in across]
        lines += [[(left, y, floor), (right, y, floor)] for y in along]
        grid = Line3DCollection(lines, colors='0.8', linewidths=0.6, zorder=0)
        self.axes.add_collection3d(grid, autolim=False)

    def show(self, frame: int, caption: str) -> None:
        """Move the skeletons to a frame; who is absent is not shown."""
        lines = [textwrap.fill(line, _WRAP) for line in caption.splitlines()]
        self.caption.set_text('\n'.join(lines))
        for person, (bones, joints) in enumerate(self.bodies):
            visible = bool(self.present[person, frame])
            bones.set_visible(visible)
            joints.set_visible(visible)
            if visible:
                points = self.points[person, frame]  # (V, 3)
                bones.set_segments(points[self.edges])  # (edges, 2, 3)
                joints.set_data_3d(*points.T)
