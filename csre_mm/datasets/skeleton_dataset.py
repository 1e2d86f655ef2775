"""mmaction2's pose dataset with the checks that spare a user a search."""

import numpy as np
from mmaction.datasets import PoseDataset
from mmaction.registry import DATASETS

from csre_mm.datasets.annotations import load_annotations
from csre_mm.utils.errors import InputError


@DATASETS.register_module()
class SkeletonDataset(PoseDataset):
    """``PoseDataset`` that reads its file safely and names what is wrong with it.

    The file is read by :func:`load_annotations`, which executes nothing. A sample whose skeleton is
    not finite or empty is named when it is used.

    Args:
        ann_file: Annotation pickle in mmaction2's format.
        pipeline: Transforms.
        split: Name of the split in the file; all samples without it.
        **kwargs: As for ``PoseDataset``.

    Attributes:
        labels: Classes of the samples, int64 (number of samples,).

    Raises:
        InputError: If the file cannot be read, has no such split, or the split has no samples.
    """

    labels: np.ndarray

    def load_data_list(self) -> list[dict]:
        """Read the annotations of the split."""
        data = load_annotations(self.ann_file)
        samples = data['annotations']
        if self.split is not None:
            if self.split not in data['split']:
                known = ', '.join(sorted(data['split'])) or 'none'
                raise InputError(f'{self.ann_file} has no split {self.split!r}; it has {known}')
            names = set(data['split'][self.split])
            key = 'filename' if samples and 'filename' in samples[0] else 'frame_dir'
            samples = [sample for sample in samples if sample[key] in names]
        if not samples:
            raise InputError(f'{self.ann_file}: the split {self.split!r} has no samples')
        self.labels = np.array([sample['label'] for sample in samples], dtype=np.int64)
        return samples

    def get_data_info(self, idx: int) -> dict:
        """One sample, with a finite and non-empty skeleton (M, T, V, C)."""
        info = super().get_data_info(idx)
        keypoint = info['keypoint']
        if not np.isfinite(keypoint).all():
            raise InputError(
                f'{self.ann_file}: the keypoint of sample {info.get("frame_dir", idx)} holds NaN '
                'or infinity'
            )
        if not keypoint.any():
            raise InputError(
                f'{self.ann_file}: the keypoint of sample {info.get("frame_dir", idx)} is empty '
                'or zero throughout'
            )
        return info
