"""The life of the memory banks in a run."""

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from mmaction.registry import HOOKS
from mmengine.dataset import BaseDataset, ClassBalancedDataset, RepeatDataset
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor

from csre_mm.datasets.slot_per_repeat_dataset import SlotPerRepeatDataset
from csre_mm.engine.hooks.contrast_summary import describe_contrasts, find_void_mining
from csre_mm.engine.hooks.inference_checkpoint_hook import bare_model, trains
from csre_mm.models.losses import MemoryContrastLoss
from csre_mm.utils.checkpoints import load_checkpoint_file, newest_checkpoint
from csre_mm.utils.errors import InputError
from csre_mm.utils.files import atomic_path


def innermost_dataset(dataset: object) -> BaseDataset:
    """The dataset whose positions ``sample_idx`` counts, which would coincide in joined ones."""
    while isinstance(dataset, RepeatDataset | ClassBalancedDataset):
        dataset = dataset.dataset
    if not isinstance(dataset, BaseDataset):
        raise InputError(
            f'CSRE needs one position for each training sample, which a {type(dataset).__name__} '
            'does not give: join the files with tools/data/join_annotations.py'
        )
    return dataset


def count_slots(dataset: object) -> int:
    """Slots of a bank: one per sample, with :class:`SlotPerRepeatDataset` one per repeat."""
    samples = innermost_dataset(dataset)
    while not isinstance(dataset, BaseDataset | SlotPerRepeatDataset):
        dataset = dataset.dataset  # type: ignore[attr-defined]
    return len(dataset) if isinstance(dataset, SlotPerRepeatDataset) else len(samples)


def check_slot_labels(name: str, found: np.ndarray, expected: np.ndarray) -> None:
    """Compare the classes of a bank's slots (S,), -1 where empty, with those of the samples."""
    wrong = np.flatnonzero((found != expected) & (found >= 0))
    if len(wrong):
        slot = int(wrong[0])
        raise InputError(
            f'the memory bank of {name} was made for another training set: {len(wrong):,} of '
            f'{len(found):,} slots have another class than their sample, such as slot {slot} '
            f'{found[slot]} instead of {expected[slot]}: resume with the samples of that training '
            'in their order, or start a new run from its weights with load_from'
        )


@HOOKS.register_module()
class MemoryBankHook(Hook):
    """Size the memory banks from the training set, and look after them.

    Before the training, and before a checkpoint is loaded, each bank gets as many slots as the
    training set has samples (with :class:`SlotPerRepeatDataset`, samples times repeats), and
    ``PackActionInputs`` is told to hand on ``sample_idx``. Banks are loaded when a run is resumed;
    a run that only starts from the weights of another, or a test, does without them. A contrast
    without an active anchor is reported. With a model that has no bank the hook does nothing.

    Args:
        interval: Iterations after which an inactive contrast is reported; it is reported at the end
            of an epoch in any case.
        keep: ``'all'``, or ``'last'`` to keep banks in the newest checkpoint alone, the one that a
            run resumes from.

    Raises:
        InputError: If ``keep`` is another, or a resumed checkpoint does not hold what it needs, or
            the banks of another training set.

    Example:
        >>> custom_hooks = [dict(type='MemoryBankHook', keep='last')]  # in a config
    """

    priority = 'VERY_HIGH'  # the banks have their size before another hook copies the model

    def __init__(self, interval: int = 100, keep: str = 'all') -> None:
        if keep not in ('all', 'last'):
            raise InputError(f"MemoryBankHook: keep is {keep!r}, it must be 'all' or 'last'")
        self.interval = interval
        self.keep = keep
        self._stripped: set[tuple[Path, int]] = set()  # with the time when it was written
        self._first_iter = 0
        self._slot_labels: np.ndarray | None = None  # classes of the slots, if the set tells them

    @staticmethod
    def losses(runner: Runner) -> dict[str, MemoryContrastLoss]:
        """The contrasts of the model by name."""
        modules = bare_model(runner).named_modules()
        return {name: module for name, module in modules if isinstance(module, MemoryContrastLoss)}

    def _state_keys(self, runner: Runner) -> list[str]:
        """What a checkpoint holds for the contrasts besides weights."""
        parts = 'bank.features', 'bank.labels', '_extra_state'
        return [f'{name}.{part}' for name in self.losses(runner) for part in parts]

    def before_run(self, runner: Runner) -> None:
        """Allocate the banks and ask the pipeline for ``sample_idx``."""
        losses = self.losses(runner)
        if not losses or not trains(runner):
            return
        dataset = innermost_dataset(runner.train_dataloader.dataset)
        classes = getattr(dataset, 'labels', None)
        slots = count_slots(runner.train_dataloader.dataset)
        if classes is not None:
            self._slot_labels = np.tile(classes, slots // len(dataset))
        for loss in losses.values():
            if loss.bank.num_slots != slots:  # a test after the training leaves them as they are
                loss.bank.allocate(slots)
        for transform in dataset.pipeline.transforms:
            keys = getattr(transform, 'meta_keys', None)
            if keys is not None and 'sample_idx' not in keys:
                transform.meta_keys = (*keys, 'sample_idx')

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Insist on the banks when a run is resumed, and leave them out otherwise."""
        state, keys = checkpoint.get('state_dict', {}), self._state_keys(runner)
        if trains(runner) and runner._resume:
            missing = [key for key in keys if key not in state]
            if missing:
                raise InputError(
                    f'the checkpoint cannot be resumed with CSRE: it lacks {missing[0]}, because '
                    'it was made without CSRE, by an older version, or with MemoryBankHook '
                    "keep='last'; to start a new run from its weights use load_from"
                )
            return
        found = [key for key in keys if state.pop(key, None) is not None]
        if found and trains(runner):
            runner.logger.info('The memory banks start empty: only weights are loaded.')

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: object = None,
        outputs: Mapping[str, Tensor] | None = None,
    ) -> None:
        """Report a contrast without an active anchor."""
        last = self.end_of_epoch(runner.train_dataloader, batch_idx)
        if not (last or self.every_n_train_iters(runner, self.interval)):
            return
        for name, loss in self.losses(runner).items():
            anchors = (outputs or {}).get(f'{name.rpartition("loss_")[2]}_anchors')
            if anchors is not None and not anchors:
                runner.logger.warning(
                    f'{name} is inactive: no anchor of this batch has enough positives and '
                    f'negatives (gate={loss.gate!r}, K+ = {loss.num_pairs()[0]}, '
                    f'K- = {loss.num_pairs()[1]}, '
                    f'{int((loss.bank.labels >= 0).sum())} of {loss.bank.num_slots} slots filled).'
                )

    def before_train(self, runner: Runner) -> None:
        """Say whether CSRE is on, and what it compares with."""
        self._first_iter = runner.iter
        losses = self.losses(runner)
        if not losses:
            runner.logger.info('CSRE is off: the model has no memory bank.')
        class_sizes = np.zeros(0, np.int64)
        if self._slot_labels is not None:
            class_sizes = np.unique(self._slot_labels, return_counts=True)[1]
            for name, loss in losses.items():
                check_slot_labels(name, loss.bank.labels.cpu().numpy(), self._slot_labels)
        for line in describe_contrasts(losses, class_sizes):
            runner.logger.info(line)
        for line in find_void_mining(losses, class_sizes):
            runner.logger.warning(line)

    def before_train_epoch(self, runner: Runner) -> None:
        """Strip the checkpoints that the last epoch made old."""
        if self.keep == 'all' or not is_main_process() or runner.iter == self._first_iter:
            return  # until this run has saved one, it may need any to resume from
        newest, keys = newest_checkpoint(runner.work_dir), tuple(self._state_keys(runner))
        if newest is None:
            return
        mine = re.compile(r'(epoch|iter|best_.+)_\d+\.pth')
        paths = {path for path in newest.parent.iterdir() if mine.fullmatch(path.name)}
        for path in paths - {newest}:
            if (path, path.stat().st_mtime_ns) in self._stripped:
                continue
            checkpoint = load_checkpoint_file(str(path), map_location='cpu')
            found = []
            for part in ('state_dict', 'ema_state_dict'):
                state = checkpoint.get(part, {})
                found += [state.pop(key) for key in list(state) if key.endswith(keys)]
            if found:
                with atomic_path(path) as temporary:
                    torch.save(checkpoint, temporary)
            self._stripped.add((path, path.stat().st_mtime_ns))

    after_train = before_train_epoch
