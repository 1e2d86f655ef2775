import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from csre_mm.datasets.layouts import NTU, NW_UCLA
from csre_mm.utils.errors import InputError
from csre_mm.visualization.figures import BLUE, VERMILION
from csre_mm.visualization.skeleton_animation import (
    Scene,
    draw_animation,
    frame_step,
    to_plot_axes,
)


def standing(frames=8, persons=2, joints=25):
    """People who stand side by side and drift away from the sensor."""
    rng = np.random.default_rng(0)
    body = rng.uniform([-0.3, -0.9, -0.1], [0.3, 0.8, 0.1], (joints, 3))
    keypoint = np.stack([body + np.array([p, 0, 3]) for p in range(persons)])[
        :, None
    ]  # (M, 1, V, 3)
    drift = np.linspace(0, 0.4, frames)[:, None, None] * [0, 0, 1]
    return (keypoint + drift).astype(np.float32)


def count(image, colour):
    rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)])
    return int((np.abs(np.asarray(image.convert('RGB')).astype(int) - rgb).sum(-1) < 60).sum())


def test_a_gif_moves_and_has_a_colour_a_person(tmp_path):
    keypoint = standing(8)
    keypoint[1, 4:] = 0  # the second person leaves
    path = tmp_path / 'x.gif'
    assert draw_animation(keypoint, NTU, [f'walk\n{i}' for i in range(8)], path) == 4
    with Image.open(path) as movie:
        assert (movie.n_frames, movie.size) == (4, (360, 360))
        assert movie.info['duration'] == pytest.approx(1000 * 2 / 30, abs=10)
        first = movie.convert('RGB')
        movie.seek(3)
        last = movie.convert('RGB')
    assert count(first, BLUE) > 200 and count(first, VERMILION) > 200
    assert count(last, BLUE) > 200 and count(last, VERMILION) == 0
    assert path.stat().st_size < 100_000


def test_who_stands_is_upright_and_not_mirrored():
    keypoint = np.zeros((1, 1, 3, 3))
    keypoint[0, 0] = [[0.5, 1.0, 3.0], [0.0, -1.0, 3.0], [0.0, -1.0, 4.0]]
    right, away, up = to_plot_axes(keypoint)[0, 0].T
    assert up[0] > up[1] and away[2] > away[1]
    assert right[0] < right[1]  # x is to the sensor's left
    turn = to_plot_axes(np.eye(3))
    assert np.linalg.det(turn) == pytest.approx(1)  # no reflection: a left hand stays one


def test_axes_are_equal_and_hold_everybody():
    points = to_plot_axes(standing())
    scene = Scene(points, np.ones((2, 8), bool), NTU)
    ranges = np.ptp([scene.axes.get_xlim(), scene.axes.get_ylim(), scene.axes.get_zlim()], axis=1)
    aspect = scene.axes._box_aspect
    np.testing.assert_allclose(aspect / aspect[0], ranges / ranges[0], rtol=1e-6)
    low, high = points.reshape(-1, 3).min(0), points.reshape(-1, 3).max(0)
    for (a, b), lowest, highest in zip(
        (scene.axes.get_xlim(), scene.axes.get_ylim(), scene.axes.get_zlim()),
        low,
        high,
        strict=True,
    ):
        assert a <= lowest and highest <= b
    assert len(scene.bodies) == 2


def test_long_recordings_lose_frames():
    assert frame_step(10) == frame_step(600) == 2
    assert frame_step(601) == 3 and frame_step(5000) == 17  # 295 frames


def test_bad_animations(tmp_path):
    with pytest.raises(InputError, match=r'x\.avi: an animation is a \.gif'):
        draw_animation(standing(), NTU, [''] * 8, tmp_path / 'x.avi')
    with pytest.raises(InputError, match='cannot be drawn'):
        draw_animation(standing(), NW_UCLA, [''] * 8, tmp_path / 'x.gif')
    assert not list(tmp_path.iterdir())


def test_importing_it_needs_no_extra():
    blocked = 'import sys; sys.modules.update({n: None for n in ("sklearn", "umap")}); '
    code = blocked + 'import csre_mm.visualization, csre_mm.apis'
    subprocess.run([sys.executable, '-c', code], check=True)
