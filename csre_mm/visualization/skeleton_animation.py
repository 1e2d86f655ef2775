"""A recording as an animation of its skeletons."""

import os
import subprocess
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from matplotlib import rc_context
from matplotlib.animation import AbstractMovieWriter, FFMpegWriter, PillowWriter
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from mpl_toolkits.mplot3d.art3d import Line3DCollection

from csre_mm.datasets.layouts import SkeletonLayout
from csre_mm.utils.errors import InputError
from csre_mm.utils.files import atomic_path
from csre_mm.utils.optional import require
from csre_mm.visualization.figures import COLOURS, paper_style

SUFFIXES = ('.gif', '.mp4')
FPS = 30  # frames a second of the sensors of NTU RGB+D and NW-UCLA
GIF_STEP = 2  # a .gif shows every second frame: half the file, and players cannot keep up with more
MOST_FRAMES = 300  # of a longer recording more frames are left out; it plays at the same speed

_SIDE = 3.6  # inches
_DPI = 100
_GRID = 0.5  # metres
_LEAST_WAY = 0.5  # metres between the nearest and the farthest feet
_LEAN = 0.3  # slope by which people who sit or bend seem to lean
_WRAP = 44  # characters of a caption's line


def check_movie(path: str | os.PathLike) -> str:
    """Return the suffix of an animation in lower case; for ``.mp4`` find a program."""
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(f'{path}: an animation is one of {" ".join(SUFFIXES)}')
    if suffix == '.mp4':
        find_ffmpeg()
    return suffix


def find_ffmpeg() -> str:
    """The program that writes films: the system's, or the one in the package imageio_ffmpeg."""
    if FFMpegWriter.isAvailable():
        return FFMpegWriter.bin_path()
    return require('imageio_ffmpeg', 'video', 'an .mp4').get_ffmpeg_exe()


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
        path: The file, ``.gif`` or ``.mp4``.
        progress: Is called after each drawn frame.

    Returns:
        The number of frames drawn.

    Raises:
        InputError: If the skeletons are not of the layout, or :func:`check_movie` refuses.

    Example:
        >>> from csre_mm.datasets import get_layout
        >>> keypoint = np.random.randn(1, 4, 20, 3)
        >>> draw_animation(keypoint, get_layout('nw-ucla'), ['wave'] * 4, 'wave.gif')
        2
    """
    suffix = check_movie(path)
    if keypoint.shape[2:] != (layout.num_joints, 3):
        raise InputError(
            f'{path}: skeletons of the shape {keypoint.shape} cannot be drawn, expected '
            f'(M, T, {layout.num_joints}, 3)'
        )
    step = frame_step(keypoint.shape[1], suffix)
    frames = range(0, keypoint.shape[1], step)
    present: np.ndarray = np.any(keypoint, axis=(2, 3))  # (M, T)
    points = level(to_plot_axes(keypoint), present)
    fps: Any = FPS / step
    writer: AbstractMovieWriter = PillowWriter(fps)
    settings: Any = {}
    if suffix == '.mp4':  # players know no other arrangement of colours, and it needs even sides
        writer = FFMpegWriter(fps, codec='libx264', extra_args=['-pix_fmt', 'yuv420p'])
        settings = {'animation.ffmpeg_path': find_ffmpeg()}
    with paper_style(), rc_context(settings), atomic_path(path) as file:
        scene = Scene(points, present, layout)
        try:
            with writer.saving(scene.figure, str(file), _DPI):
                for frame in frames:
                    scene.show(frame, captions[frame])
                    writer.grab_frame()
                    progress()
        except (subprocess.CalledProcessError, BrokenPipeError) as error:  # no libx264, for example
            said = str(getattr(error, 'stderr', '')).splitlines()
            raise InputError(f'{path}: ffmpeg cannot write it: {" ".join(said[-1:])}') from error
    return len(frames)


def frame_step(num_frames: int, suffix: str) -> int:
    """Frames from one drawn frame to the next: more in a ``.gif`` and in a long recording."""
    return max(GIF_STEP if suffix == '.gif' else 1, -(-num_frames // MOST_FRAMES))


def to_plot_axes(keypoint: np.ndarray) -> np.ndarray:
    """Turn a Kinect's coordinates (x left, y up, z away) to those of a plot (right, away, up).

    It is a rotation: a left hand stays a left hand.
    """
    x, y, z = np.moveaxis(keypoint, -1, 0)
    return np.stack([-x, z, y], axis=-1)


def level(points: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Undo the tilt of a sensor that looks down, where feet at several distances show it.

    The points (M, T, V, 3) are right, away, up, in metres, and present where (M, T) says so. Where
    the feet say something else than the bodies that stand (a kick looks like a steep floor), the
    floor is as steep as these lean.
    """
    bodies = points[present]  # (persons and frames, V, 3)
    lowest = bodies[np.arange(len(bodies)), bodies[..., 2].argmin(1)]  # (persons and frames, 3)
    if np.ptp(lowest[:, 1]) < _LEAST_WAY:
        return points
    slope = float(np.polyfit(lowest[:, 1], lowest[:, 2], 1)[0])
    _, away, up = np.moveaxis(bodies - bodies.mean(1, keepdims=True), -1, 0)
    leans = -(away * up).sum(1) / np.maximum((up * up).sum(1), 1e-6)  # of an axis through each
    standing = np.abs(leans) < 1
    lean = float(np.median(leans[standing])) if standing.any() else 0.0
    if abs(slope - lean) > _LEAN:
        slope = lean
    cos, sin = 1 / np.hypot(1, slope), slope / np.hypot(1, slope)
    return points @ np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]], points.dtype)


class Scene:
    """A figure whose skeletons can be moved; the arguments are as for :func:`level`."""

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
