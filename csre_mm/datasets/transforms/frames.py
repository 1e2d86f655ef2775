"""What the transforms that change the number of frames share."""

import numpy as np

from csre_mm.utils.errors import InputError

FRAME_FIELDS = ('keypoint', 'keypoint_score')
"""Fields (M, T, V, ...) whose frames belong together; the second is there in 2D data."""


def check_clip_len(clip_len: int, where: str) -> None:
    """Insist on a clip of at least one frame.

    Raises:
        InputError: If ``clip_len`` is less.
    """
    if clip_len < 1:
        raise InputError(f'{where}: clip_len is {clip_len}, it must be at least 1')


def take_frames(results: dict, frames: np.ndarray) -> None:
    """Keep the given frames of a sequence, in the given order.

    Args:
        results: A sample; its :data:`FRAME_FIELDS` (M, T, V, ...) become (M, len(frames), V, ...),
            and ``total_frames`` follows.
        frames: Indices (number of frames,), or which frames to keep as booleans (T,).
    """
    for field in FRAME_FIELDS:
        if field in results:
            results[field] = results[field][:, frames]
    results['total_frames'] = results['keypoint'].shape[1]
