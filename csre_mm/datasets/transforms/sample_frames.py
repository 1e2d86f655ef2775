"""Bringing sequences of any length to one number of frames."""

import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from csre_mm.datasets.valid_joints import keep_valid, valid_joints
from csre_mm.utils.errors import InputError

FRAME_FIELDS = ('keypoint', 'keypoint_score')
"""Fields (M, T, V, ...) whose frames belong together; the second is present in 2D data."""


class Transform(BaseTransform):
    """A transform that is printed with its arguments."""

    def __repr__(self) -> str:
        arguments = ', '.join(f'{name}={value}' for name, value in vars(self).items())
        return f'{type(self).__name__}({arguments})'


def check_clip_len(clip_len: int, where: str) -> None:
    """Insist on a whole number of frames, one at least."""
    if type(clip_len) is not int or clip_len < 1:
        raise InputError(f'{where}: clip_len is {clip_len!r}, it must be an integer from 1')


def take_frames(results: dict, frames: np.ndarray, num_clips: int | None = None) -> None:
    """Keep the given frames of a sequence, in the given order.

    Args:
        results: A sample; its :data:`FRAME_FIELDS` (M, T, V, ...) become (M, len(frames), V, ...),
            and ``total_frames`` follows.
        frames: Indices (number of frames,), or a mask of the frames to keep (T,).
        num_clips: Sets ``num_clips`` and ``clip_len``: the frames are this many clips of equal
            length.
    """
    for field in FRAME_FIELDS:
        if field in results:
            results[field] = results[field][:, frames]
    results['total_frames'] = results['keypoint'].shape[1]
    if num_clips:
        results['num_clips'], results['clip_len'] = num_clips, len(frames) // num_clips


@TRANSFORMS.register_module()
class CropResize(Transform):
    """Crop a fraction of the frames and resize the rest by linear interpolation.

    The recipe of CTR-GCN. With two fractions the crop is random: its fraction is drawn uniformly
    between them, but it keeps at least ``clip_len`` frames if the sequence has them, and its start
    is random. With one fraction it is the middle of the sequence. Frames are resized as by
    ``torch.nn.functional.interpolate(mode='linear', align_corners=False)``. Where one of the two
    frames lacks a joint, the nearer one is taken, with the joint or without it.

    Required keys: ``keypoint`` (M, T, V, C). Modified keys: ``keypoint`` (M, clip_len, V, C),
    ``keypoint_score`` (M, clip_len, V) if present, ``total_frames``. Added keys: ``num_clips``,
    ``clip_len``.

    Args:
        clip_len: Frames after the resizing.
        fraction: One fraction, or the smallest and the largest, each above 0 and at most 1.

    Example:
        >>> import numpy as np
        >>> sample = {'keypoint': np.zeros((2, 93, 25, 3), np.float32)}
        >>> CropResize(clip_len=64, fraction=0.95).transform(sample)['keypoint'].shape
        (2, 64, 25, 3)
    """

    def __init__(self, clip_len: int, fraction: float | tuple[float, float] = (0.5, 1.0)) -> None:
        fractions = (fraction,) if isinstance(fraction, int | float) else tuple(fraction)
        check_clip_len(clip_len, 'CropResize')
        if len(fractions) not in (1, 2) or not all(0 < s <= 1 for s in fractions):
            raise InputError(
                f'CropResize: fraction is {fraction}, it must be above 0 and at most 1'
            )
        self.clip_len = clip_len
        self.fraction = fractions

    def transform(self, results: dict) -> dict:
        """Crop and resize one sequence."""
        low, high, weight = self._positions(*self._crop(results['keypoint'].shape[1]))
        valid = valid_joints(results['keypoint'], results.get('keypoint_score'))
        both = valid[:, low] & valid[:, high]  # (M, clip_len, V)
        near = np.where(weight < 0.5, low, high)
        for field in FRAME_FIELDS:
            if field in results:
                x = results[field]
                x = x.astype(np.result_type(x, np.float32), copy=False)  # whole and half numbers
                before, after = x[:, low], x[:, high]  # (M, clip_len, V, ...)
                part = weight.reshape(-1, *[1] * (x.ndim - 2)).astype(x.dtype)  # (clip_len, 1, ...)
                resized = before + (after - before) * part
                if not both.all():
                    resized[~both] = x[:, near][~both]
                results[field] = resized
        keep_valid(results['keypoint'], valid[:, near])
        results['total_frames'] = results['clip_len'] = self.clip_len
        results['num_clips'] = 1
        return results

    def _crop(self, num_frames: int) -> tuple[int, int]:
        """First frame and number of frames of the crop."""
        if len(self.fraction) == 1:
            cut = int((1 - self.fraction[0]) * num_frames / 2)
            return cut, num_frames - 2 * cut
        fraction = np.random.uniform(min(self.fraction), max(self.fraction))
        length = min(max(int(num_frames * fraction), self.clip_len), num_frames)
        return np.random.randint(num_frames - length + 1), length

    def _positions(self, start: int, length: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """For each new frame the frames before and after it, and the weight of the latter."""
        place = (np.arange(self.clip_len) + 0.5) * (length / self.clip_len) - 0.5
        place = place.clip(0, length - 1)
        low = place.astype(np.int64)
        high = np.minimum(low + 1, length - 1)
        return start + low, start + high, place - low


@TRANSFORMS.register_module()
class SampleSorted(Transform):
    """Pick frames with replacement and keep them in order: the NW-UCLA recipe.

    In training ``clip_len`` frames are drawn uniformly and sorted; in testing they are spread
    evenly from the first frame to the last.

    Required keys: ``keypoint`` (M, T, V, C). Modified keys: ``keypoint`` (M, clip_len, V, C),
    ``keypoint_score`` (M, clip_len, V) if present, ``total_frames``. Added keys: ``num_clips``,
    ``clip_len``.

    Args:
        clip_len: Frames to pick.
        test_mode: Whether the frames are spread evenly.

    Example:
        >>> import numpy as np
        >>> sample = {'keypoint': np.arange(5).reshape(1, 5, 1, 1)}
        >>> SampleSorted(clip_len=3, test_mode=True).transform(sample)['keypoint'].ravel().tolist()
        [0, 2, 4]
    """

    def __init__(self, clip_len: int, test_mode: bool = False) -> None:
        check_clip_len(clip_len, 'SampleSorted')
        self.clip_len = clip_len
        self.test_mode = test_mode

    def transform(self, results: dict) -> dict:
        """Pick the frames of one sequence."""
        num_frames = results['keypoint'].shape[1]
        if self.test_mode:
            frames = np.linspace(0, num_frames - 1, self.clip_len).astype(np.int64)
        else:
            frames = np.sort(np.random.randint(0, num_frames, self.clip_len))
        take_frames(results, frames, num_clips=1)
        return results


@TRANSFORMS.register_module()
class LoopFrames(Transform):
    """Repeat a sequence until it has ``clip_len`` frames; of a longer one keep the middle.

    The recipe of 2s-AGCN, whose window of 300 frames is the longest that NTU RGB+D has.

    Required keys: ``keypoint`` (M, T, V, C). Modified keys: ``keypoint`` (M, clip_len, V, C),
    ``keypoint_score`` (M, clip_len, V) if present, ``total_frames``. Added keys: ``num_clips``,
    ``clip_len``.

    Args:
        clip_len: Frames of the result.

    Example:
        >>> import numpy as np
        >>> sample = {'keypoint': np.arange(3).reshape(1, 3, 1, 1)}
        >>> LoopFrames(clip_len=5).transform(sample)['keypoint'].ravel().tolist()
        [0, 1, 2, 0, 1]
    """

    def __init__(self, clip_len: int) -> None:
        check_clip_len(clip_len, 'LoopFrames')
        self.clip_len = clip_len

    def transform(self, results: dict) -> dict:
        """Repeat one sequence."""
        num_frames = results['keypoint'].shape[1]
        start = max(num_frames - self.clip_len, 0) // 2
        take_frames(results, (start + np.arange(self.clip_len)) % num_frames, num_clips=1)
        return results
