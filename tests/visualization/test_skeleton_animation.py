import sys

import numpy as np
import pytest
from PIL import Image

from csre_mm.datasets.layouts import NTU, NW_UCLA
from csre_mm.utils.errors import InputError
from csre_mm.visualization import skeleton_animation
from csre_mm.visualization.figures import BLUE, VERMILION
from csre_mm.visualization.skeleton_animation import (
    Scene,
    check_movie,
    draw_animation,
    frame_step,
    level,
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


@pytest.mark.parametrize('angle', [0.3, 0.7])  # feet alone do not prove the second one
def test_the_tilt_of_a_sensor_is_undone(angle):
    flat = standing(40, 1)
    flat[..., 2] += np.linspace(0, 3, 40, dtype=np.float32)[:, None]
    turn = [[1, 0, 0], [0, np.cos(angle), np.sin(angle)], [0, -np.sin(angle), np.cos(angle)]]
    points, present = to_plot_axes(flat @ np.array(turn)), np.ones((1, 40), bool)
    feet = points[..., 2].min(-1)[0]
    assert np.ptp(feet) > 0.8
    assert np.ptp(level(points, present)[..., 2].min(-1)) < 0.1
    in_place = to_plot_axes(standing(5, 1)[:, :1])
    np.testing.assert_array_equal(level(in_place, np.ones((1, 1), bool)), in_place)


def test_a_person_behind_another_who_kicks_stays_on_the_floor():
    """The feet show a steep floor, the bodies stand upright."""
    keypoint = standing(10, 2)
    keypoint[1, ..., 2] += 0.6
    keypoint[1, :8, :, 1] += 0.5  # the lowest joint that is seen is a knee
    points = to_plot_axes(keypoint)
    assert np.abs(level(points, np.ones((2, 10), bool)) - points).max() < 0.3


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
    assert frame_step(10, '.gif') == 2 and frame_step(10, '.mp4') == 1
    assert frame_step(300, '.mp4') == 1 and frame_step(301, '.mp4') == 2
    assert frame_step(5000, '.gif') == 17  # 295 frames


def test_bad_animations(tmp_path):
    with pytest.raises(InputError, match='cannot be drawn'):
        draw_animation(standing(), NW_UCLA, [''] * 8, tmp_path / 'x.gif')
    with pytest.raises(InputError, match=r'one of \.gif \.mp4'):
        check_movie('x.avi')
    assert not list(tmp_path.iterdir())


def test_a_missing_ffmpeg_is_named_with_its_command(monkeypatch):
    monkeypatch.setattr(
        'csre_mm.visualization.skeleton_animation.FFMpegWriter.isAvailable', lambda: False
    )
    monkeypatch.setitem(sys.modules, 'imageio_ffmpeg', None)
    with pytest.raises(InputError, match=r'an \.mp4') as error:
        check_movie('x.mp4')
    assert 'imageio_ffmpeg' in str(error.value)


def test_an_mp4(tmp_path):
    try:
        check_movie('x.mp4')
    except InputError:
        pytest.skip('there is no ffmpeg')
    path = tmp_path / 'x.mp4'
    assert draw_animation(standing(4), NTU, [''] * 4, path) == 4
    assert path.read_bytes()[4:8] == b'ftyp'


def test_an_ffmpeg_that_cannot_write_is_one_line(tmp_path, monkeypatch):
    program = tmp_path / 'ffmpeg'
    program.write_text('#!/bin/sh\ncat > /dev/null\necho Unknown encoder libx264 >&2\nexit 1\n')
    program.chmod(0o755)
    monkeypatch.setattr(skeleton_animation, 'find_ffmpeg', lambda: str(program))
    keypoint = np.random.default_rng(0).normal(size=(1, 3, 25, 3))
    with pytest.raises(InputError, match='ffmpeg cannot write it: Unknown encoder libx264'):
        draw_animation(keypoint, NTU, [''] * 3, tmp_path / 'x.mp4')
    assert not (tmp_path / 'x.mp4').exists()
