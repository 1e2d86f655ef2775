"""One frame from each of equal parts of a sequence."""

from typing import Any

import numpy as np
from mmaction.registry import TRANSFORMS

from csre_mm.datasets.transforms.sample_frames import Transform, check_clip_len, take_frames
from csre_mm.utils.errors import InputError


@TRANSFORMS.register_module()
class SampleUniform(Transform):
    """Split a sequence into ``clip_len`` equal parts and pick a random frame of each.

    The frames are those that mmaction2's ``UniformSampleFrames`` and ``PoseDecode`` pick from the
    same state of the random generator. A sequence with less than two frames per part loses random
    frames; one of less than ``clip_len`` frames starts at a random frame and is repeated.

    In testing the frames of a sequence depend on its length and the seed alone. They are drawn from
    a separate generator: NumPy's global one, which mmaction2 seeds at each test sample, is also
    that of training if there are no worker processes.

    Required keys: ``keypoint`` (M, T, V, C). Modified keys: ``keypoint``
    (M, num_clips * clip_len, V, C), ``keypoint_score`` likewise if present, ``total_frames``. Added
    keys: ``num_clips``, ``clip_len``.

    Args:
        clip_len: Frames in a clip.
        num_clips: Clips, one after the other; ``FormatGCNInput`` tells them apart.
        test_mode: Whether the draws are the same each time; the clips of a short sequence start at
            evenly spread frames.
        seed: Seed of the draws in testing.

    Raises:
        InputError: If ``clip_len`` or ``num_clips`` is less than 1.

    Example:
        >>> import numpy as np
        >>> sample = {'keypoint': np.zeros((2, 93, 25, 3), np.float32)}
        >>> SampleUniform(clip_len=32, num_clips=2).transform(sample)['keypoint'].shape
        (2, 64, 25, 3)
    """

    def __init__(
        self, clip_len: int, num_clips: int = 1, test_mode: bool = False, seed: int = 255
    ) -> None:
        check_clip_len(clip_len, 'SampleUniform')
        if type(num_clips) is not int or num_clips < 1:
            raise InputError(
                f'SampleUniform: num_clips is {num_clips!r}, it must be an integer from 1'
            )
        self.clip_len = clip_len
        self.num_clips = num_clips
        self.test_mode = test_mode
        self.seed = seed

    def transform(self, results: dict) -> dict:
        """Pick the frames of one sequence."""
        num_frames = results['keypoint'].shape[1]
        generator = np.random.RandomState(self.seed) if self.test_mode else np.random
        clips = [self._clip(num_frames, clip, generator) for clip in range(self.num_clips)]
        take_frames(results, np.concatenate(clips), self.num_clips)
        return results

    def _clip(self, num_frames: int, clip: int, generator: Any) -> np.ndarray:
        """Frames of one clip: (clip_len,)."""
        parts = np.arange(self.clip_len + 1)
        if num_frames < self.clip_len:
            return (self._start(num_frames, clip, generator) + parts[:-1]) % num_frames
        if num_frames < 2 * self.clip_len:
            # Which of the gaps before, between and after the picked frames lose a frame.
            chosen = generator.choice(self.clip_len + 1, num_frames - self.clip_len, replace=False)
            dropped = np.zeros(self.clip_len + 1, dtype=np.int64)
            dropped[chosen] = 1
            return parts[:-1] + dropped.cumsum()[:-1]
        bounds = parts * num_frames // self.clip_len
        return bounds[:-1] + generator.randint(np.diff(bounds))

    def _start(self, num_frames: int, clip: int, generator: Any) -> int:
        """First frame of a clip of a short sequence."""
        if not self.test_mode:
            return generator.randint(0, num_frames)
        return clip if num_frames < self.num_clips else clip * num_frames // self.num_clips
