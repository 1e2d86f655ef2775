"""mmaction2's pose dataset with checks of its annotations."""

import pickle
from collections.abc import Sequence
from multiprocessing.context import get_spawning_popen
from typing import Any

import numpy as np
import torch
from mmaction.datasets import PoseDataset
from mmaction.registry import DATASETS
from mmengine.dataset import force_full_init
from mmengine.logging import MMLogger

from csre_mm.datasets.annotations import load_annotations, select_split
from csre_mm.datasets.sample_faults import keep_sound, keep_usable
from csre_mm.datasets.subjects import keep_subjects
from csre_mm.utils.errors import InputError
from csre_mm.utils.machine import return_freed_memory

MOST_NAMED = 20  # invalid samples that the log names


@DATASETS.register_module()
class SkeletonDataset(PoseDataset):
    """``PoseDataset`` that reads its file safely and checks its samples.

    The file is read by :func:`load_annotations`, which executes nothing. A name in the split that
    no sample has, and a sample that is invalid (a field that is missing or of another type, numbers
    that are not finite or too large, only zeros, other joints or coordinates than most) are refused
    when the file is read, or left out with ``invalid='skip'``. Worker processes use the samples in
    the memory of this process: forked ones as they are, spawned ones after a move to shared memory
    (/dev/shm).

    Args:
        ann_file: Annotation pickle in mmaction2's format.
        pipeline: Transforms.
        split: Name of the split in the file; all samples without it.
        subjects: Numbers of the subjects to keep (:func:`parse_subject`), to hold the others out of
            a training set; all without it.
        invalid: ``'refuse'``, or ``'skip'`` to leave out invalid samples, which the log counts and
            names.
        **kwargs: As for ``PoseDataset``, without ``data_prefix``: everything is in the one file;
            and without ``multi_class``: a clip has one label.

    Attributes:
        labels: Classes of the samples, int64 (number of samples,).
        names: Their ``frame_dir`` (number of samples,).

    Raises:
        InputError: If the file cannot be read or has no such split, a sample is invalid, no samples
            are left, a subject has none or is unknown, or an argument is not supported.

    Example:
        >>> dataset = SkeletonDataset('data.pkl', pipeline=[], split='train')
        >>> sample = dataset[0]
        >>> sample['label'], sample['keypoint'].shape[2:]
        (0, (25, 3))
    """

    data_bytes: np.ndarray
    labels: np.ndarray
    names: np.ndarray

    def __init__(
        self,
        *args: Any,
        subjects: Sequence[int] | None = None,
        invalid: str = 'refuse',
        **kwargs: Any,
    ) -> None:
        if invalid not in ('refuse', 'skip'):
            raise InputError(
                f"SkeletonDataset: invalid is {invalid!r}, expected 'refuse' or 'skip'"
            )
        self.subjects, self.invalid = subjects, invalid  # read while the base class is set up
        super().__init__(*args, **kwargs)

    def full_init(self) -> None:
        """Read the file, once."""
        if self._fully_initialized:
            return
        super().full_init()
        if not self.serialize_data:
            self._note_samples()

    def load_data_list(self) -> list[dict]:
        """Read the annotations of the split."""
        for key in ('video', 'skeleton'):
            if key in self.data_prefix:
                raise InputError(
                    f'{self.ann_file}: data_prefix.{key} is for PoseDataset, a SkeletonDataset '
                    'takes everything from its annotation file'
                )
        if self.multi_class:
            raise InputError(
                f'{self.ann_file}: multi_class is set, but several labels a clip are not supported'
            )
        data, faults = load_annotations(self.ann_file), list[str]()
        on_fault = faults.append if self.invalid == 'skip' else self._refuse
        samples = data['annotations']
        if self.invalid == 'refuse':
            keep_sound(samples, self.ann_file, on_fault)  # of all splits
        samples = select_split(data, self.split, self.ann_file, on_fault)
        samples = keep_sound(samples, self.ann_file, on_fault)
        samples = keep_usable(samples, self.ann_file, on_fault)
        self._report(faults)
        if not samples:
            raise InputError(f'{self.ann_file}: the split {self.split!r} has no samples')
        for sample in samples:
            sample['label'] = int(sample['label'])  # mmaction2 knows no np.int64
        if self.subjects is not None:
            try:
                samples = keep_subjects(samples, self.subjects)
            except InputError as error:
                raise InputError(f'{self.ann_file}, split {self.split!r}: {error}') from error
        return samples

    @staticmethod
    def _refuse(fault: str) -> None:
        raise InputError(f"{fault}; SkeletonDataset(invalid='skip') leaves it out")

    def _report(self, faults: Sequence[str]) -> None:
        if faults:
            log = MMLogger.get_current_instance()
            log.warning(f'{self.ann_file}: {len(faults)} invalid samples or names are left out')
            for line in faults[:MOST_NAMED]:
                log.warning(line)
            if len(faults) > MOST_NAMED:
                log.warning(f'... and {len(faults) - MOST_NAMED} more')

    def _serialize_data(self) -> tuple[np.ndarray, np.ndarray]:
        """Pickle the samples one behind the other, as mmengine does, with fewer copies."""
        self._note_samples()
        pickles, ends = bytearray(), []
        self.data_list.reverse()
        while self.data_list:  # a sample is forgotten as soon as it is written
            pickles += pickle.dumps(self.data_list.pop(), protocol=4)
            ends.append(len(pickles))
            if len(self.data_list) % 250 == 0:
                return_freed_memory()
        return np.frombuffer(pickles, np.uint8), np.array(ends, dtype=np.int64)

    def _note_samples(self) -> None:
        if not self.data_list:
            raise InputError(
                f'{self.ann_file}: no samples of the split {self.split!r} are left by indices, '
                'valid_ratio and box_thr'
            )
        self.labels = np.array([sample['label'] for sample in self.data_list], dtype=np.int64)
        self.names = np.array([sample['frame_dir'] for sample in self.data_list])

    def __getstate__(self) -> dict:
        """Hand a process that is being started the memory of the samples, and no copy of it."""
        state = dict(self.__dict__)
        if 'data_bytes' in state and get_spawning_popen() is not None:
            if not isinstance(self.data_bytes.base, torch.Tensor):
                self.data_bytes = torch.from_numpy(self.data_bytes).share_memory_().numpy()
            state['data_bytes'] = self.data_bytes.base
        return state

    def __setstate__(self, state: dict) -> None:
        """Take over a state; the samples become an array again."""
        self.__dict__.update(state)
        if isinstance(state.get('data_bytes'), torch.Tensor):
            self.data_bytes = state['data_bytes'].numpy()

    def get_subset_(self, indices: Sequence[int] | int) -> None:
        """Keep the first (or, below zero, the last) samples, or those at given positions."""
        super().get_subset_(indices)
        self._select(indices)

    def get_subset(self, indices: Sequence[int] | int) -> 'SkeletonDataset':
        """A separate dataset of what :meth:`get_subset_` would keep."""
        subset = super().get_subset(indices)
        subset.labels, subset.names = self.labels, self.names
        subset._select(indices)
        return subset

    def _select(self, indices: Sequence[int] | int) -> None:
        kept: Any = indices
        if isinstance(indices, int):
            kept = slice(indices) if indices >= 0 else slice(indices, None)
        self.labels, self.names = self.labels[kept], self.names[kept]

    def _copy_without_annotation(self, memo: dict | None = None) -> 'SkeletonDataset':
        # mmengine 0.10.7 has one memo for all copies: it confuses freed objects with those that now
        # have their addresses.
        return super()._copy_without_annotation({} if memo is None else memo)

    @force_full_init
    def get_cat_ids(self, idx: int) -> list[int]:
        """The class of a sample, as ``ClassBalancedDataset`` asks for it."""
        return [int(self.labels[idx])]

    def get_data_info(self, idx: int) -> dict:
        """One sample; zeros of its skeleton (M, T, V, C) are +0.0, as for what is not detected."""
        info = super().get_data_info(idx)
        info['keypoint'] = info['keypoint'] + 0
        return info
