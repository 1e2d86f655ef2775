"""Bringing sequences to one number of frames by playing them again."""

import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from csre_mm.utils.errors import InputError


@TRANSFORMS.register_module()
class LoopFrames(BaseTransform):
    """Repeat a sequence until it has ``clip_len`` frames; of a longer one keep the middle.

    The recipe of 2s-AGCN, whose window of 300 frames is the longest that NTU RGB+D has.

    Required keys: ``keypoint`` (M, T, V, C). Modified keys: ``keypoint`` (M, clip_len, V, C),
    ``total_frames``. Added keys: ``num_clips``, ``clip_len``.

    Args:
        clip_len: Frames of the result.
    """

    def __init__(self, clip_len: int) -> None:
        if clip_len < 1:
            raise InputError(f'LoopFrames: clip_len is {clip_len}, it must be at least 1')
        self.clip_len = clip_len

    def transform(self, results: dict) -> dict:
        """Repeat one sequence."""
        num_frames = results['keypoint'].shape[1]
        start = max(num_frames - self.clip_len, 0) // 2
        frames = (start + np.arange(self.clip_len)) % num_frames
        results['keypoint'] = results['keypoint'][:, frames]
        results['total_frames'] = results['clip_len'] = self.clip_len
        results['num_clips'] = 1
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(clip_len={self.clip_len})'
