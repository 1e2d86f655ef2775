"""Curves over time that movements are put together from."""

import numpy as np

from synthetic.rotations import FloatArray


def ramp(time: FloatArray, start: float, end: float) -> FloatArray:
    """Go from 0 at ``start`` to 1 at ``end`` with least jerk, the way people reach for a thing."""
    x = np.clip((time - start) / (end - start), 0, 1)
    return x**3 * (10 - 15 * x + 6 * x**2)


def hold(time: FloatArray, start: float, reached: float, leave: float, end: float) -> FloatArray:
    """Rise from 0 to 1, stay there, and come back to 0."""
    return ramp(time, start, reached) - ramp(time, leave, end)


def beats(
    time: FloatArray, start: float, end: float, count: float, speed_up: float, offset: float = 0
) -> FloatArray:
    """A train of beats, each one 0 -> 1 -> 0, that may become faster on its way.

    Args:
        time: Any times, (T,); the signal rests outside ``start`` to ``end``.
        start: Time of the first beat's begin.
        end: Time of the last beat's end.
        count: Number of beats.
        speed_up: The rate goes from ``1 - speed_up`` to ``1 + speed_up`` of the average.
        offset: Phase to start with, in beats.
    """
    x = np.clip((time - start) / (end - start), 0, 1)
    phase = count * ((1 - speed_up) * x + speed_up * x**2) + offset
    return 0.5 - 0.5 * np.cos(2 * np.pi * phase)


def wander(rng: np.random.Generator, shape: tuple[int, ...], smooth: float) -> FloatArray:
    """Smooth random curves of unit variance along the first axis.

    Args:
        rng: Source of the randomness.
        shape: Shape of the result, frames first.
        smooth: Standard deviation of the Gaussian that smooths white noise, in frames.
    """
    reach = int(3 * smooth) + 1
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / smooth) ** 2)
    kernel /= np.linalg.norm(kernel)
    white = rng.standard_normal((shape[0] + 2 * reach, *shape[1:]))
    windows = np.lib.stride_tricks.sliding_window_view(white, kernel.size, axis=0)
    return windows @ kernel
