"""What can be known of a run before its first batch."""

import copy
import itertools
import math
from collections.abc import Iterator
from typing import Any

import torch
from mmaction.models.heads import GCNHead
from mmaction.registry import HOOKS
from mmaction.structures import ActionDataSample
from mmengine.dataset import BaseDataset
from mmengine.evaluator import Evaluator
from mmengine.hooks import CheckpointHook, Hook
from mmengine.optim.scheduler.param_scheduler import INF
from mmengine.runner import Runner
from torch import Tensor

from csre_mm.datasets.input_shape import check_channels
from csre_mm.datasets.labels import innermost, labels_of
from csre_mm.datasets.transforms.pre_normalize import PreNormalize2D
from csre_mm.datasets.valid_joints import find_no_pixels
from csre_mm.engine.hooks.inference_checkpoint_hook import bare_model
from csre_mm.models.losses import MemoryContrastLoss
from csre_mm.utils.errors import InputError


@HOOKS.register_module()
class StartCheckHook(Hook):
    """Refuse at the start what would fail, or be void, later.

    - Labels, of training and validation, for which the classifier has no score: they end in an
      index error inside the loss on a CPU and in an assertion of the device on a GPU.
    - A feature map with other channels than the classifier takes.
    - Several labels a clip with CSRE, which contrasts by one.
    - Coordinates that the encoder does not take (C = 2 for C = 3), or that are no pixels where the
      pipeline takes them for such.
    - A loader without a batch: the run would end at once, with success.
    - A ``save_best`` that no metric of ``val_evaluator`` yields: a KeyError after the epoch.

    Validation samples that are training samples are counted in a warning; so is a schedule that
    goes on after the training.

    ``stage`` says what has not worked so far; None, if all that has begun has worked once.

    Example:
        >>> custom_hooks = [dict(type='StartCheckHook')]  # in a config
    """

    def __init__(self) -> None:
        self.stage: str | None = 'the run cannot start'
        self._worked: set[str] = set()
        self._in_training = self._compares = False

    def before_run(self, runner: Runner) -> None:
        """Let the classifier compare its input with what it takes."""
        head = getattr(bare_model(runner), 'cls_head', None)
        if isinstance(head, GCNHead) and not self._compares:
            self._compares = True
            head.register_forward_pre_hook(_check_feature_map)

    def before_train(self, runner: Runner) -> None:
        """Check what training and validation will need."""
        self._in_training = True
        for line in find_cut_schedules(runner):
            runner.logger.warning(line)
        self._check(runner, runner.train_dataloader, 'train_dataloader')
        if runner.val_loop is not None:
            self._check(runner, runner.val_dataloader, 'val_dataloader')
            check_save_best(runner)
            warn_of_overlap(runner)

    def before_val(self, runner: Runner) -> None:
        """Check a validation that is not part of a training."""
        if not self._in_training:
            self._check(runner, runner.val_dataloader, 'val_dataloader')

    def before_test(self, runner: Runner) -> None:
        """Check the test set."""
        self._check(runner, runner.test_dataloader, 'test_dataloader')

    @staticmethod
    def _check(runner: Runner, loader: Any, key: str) -> None:
        if len(loader) == 0:
            raise InputError(
                f'{key} gives no batch: it has {len(loader.dataset)} samples, batch_size='
                f'{loader.batch_size}, drop_last={loader.drop_last}: set {key}.batch_size to '
                f'{len(loader.dataset)} or less'
                if len(loader.dataset)
                else f'{key}.dataset has no sample'
            )
        check_channels(runner.cfg, loader.dataset, key)
        model = bare_model(runner)
        num_classes = getattr(getattr(model, 'cls_head', None), 'num_classes', None)
        contrasts = any(isinstance(module, MemoryContrastLoss) for module in model.modules())
        for dataset in innermost(loader.dataset):
            check_labels(dataset, num_classes, single=contrasts)
            check_pixels(dataset)

    def before_train_epoch(self, runner: Runner) -> None:
        """The first training batch comes."""
        self._begin('the first training batch fails')

    def before_val_epoch(self, runner: Runner) -> None:
        """The first validation comes."""
        self._begin('the first validation fails')

    def before_test_epoch(self, runner: Runner) -> None:
        """The test comes."""
        self._begin('the test fails')

    def _begin(self, stage: str) -> None:
        self.stage = None if stage in self._worked else stage

    def _end(self, *args: Any, **kwargs: Any) -> None:
        if self.stage is not None:
            self._worked.add(self.stage)
            self.stage = None

    after_train_iter = after_val_epoch = after_test_epoch = _end


def _check_feature_map(head: GCNHead, inputs: tuple[Tensor, ...]) -> None:
    """Insist on the channels of the classifier: mmaction2 asserts them without a message."""
    shape = tuple(inputs[0].shape)
    if shape[2] != head.in_channels:
        raise InputError(
            f'the encoder gives a feature map (N, M, C, T, V) of {shape}, model.cls_head.'
            f'in_channels is {head.in_channels}: set it to {shape[2]}'
        )


def check_labels(dataset: BaseDataset, num_classes: int | None, single: bool = False) -> None:
    """Insist on labels that the classifier has a score for, and on one a clip if ``single``."""
    labels = labels_of(dataset)
    source = getattr(dataset, 'ann_file', type(dataset).__name__)
    if single and labels is None and dataset.get_data_info(0).get('label') is not None:
        raise InputError(
            f'{source}: there are several labels a clip (multi_class), CSRE contrasts by one: give '
            "each clip one label, or train without CSRE (model.type='RecognizerGCN', no neck)"
        )
    if labels is None or not len(labels) or num_classes is None:
        return
    low, high = int(labels.min()), int(labels.max())
    place = f'{source} has the labels {low} to {high}'
    if low < 0:
        raise InputError(f'{place}: labels start at 0')
    if low == 1 and high == num_classes:
        raise InputError(f'{place} of {num_classes} classes: labels start at 0, subtract 1')
    if high >= num_classes:
        raise InputError(
            f'{place}, the classifier has {num_classes} classes: set '
            f'model.cls_head.num_classes={high + 1}'
        )


def check_pixels(dataset: BaseDataset) -> None:
    """Refuse a data set whose first samples are no pixels where the pipeline takes them for such.

    Not in the transform: a single odd sample would end a training.
    """
    steps = getattr(getattr(dataset, 'pipeline', None), 'transforms', ())
    if not any(isinstance(step, PreNormalize2D) for step in steps):
        return
    first = [dataset.get_data_info(place)['keypoint'] for place in range(min(len(dataset), 8))]
    faults = [find_no_pixels(keypoint) for keypoint in first]
    if all(faults):
        raise InputError(f'{dataset.ann_file}: {faults[0]}')


def find_cut_schedules(runner: Runner) -> Iterator[str]:
    """Say which schedules the training ends before: a recipe whose epochs alone were changed."""
    found, loop = runner.param_schedulers or [], runner.train_loop
    groups = found.values() if isinstance(found, dict) else [found]
    for schedule in itertools.chain.from_iterable(groups):
        unit = 'epochs' if schedule.by_epoch else 'iterations'
        length = getattr(loop, 'max_epochs' if schedule.by_epoch else 'max_iters', math.inf)
        marks = sorted(getattr(schedule, 'milestones', ()))
        steps = getattr(schedule, 'T_max', None)
        end = schedule.end if steps is None else schedule.begin + steps
        if late := [mark for mark in marks if mark >= length]:
            what = f'the milestones {", ".join(map(str, late))} have no effect'
        elif not marks and length < end < INF:
            what = f'it goes on to {end}'
        else:
            continue
        name = type(schedule).__name__
        yield f'{name} of param_scheduler: {what}, the training has {length} {unit}.'


def warn_of_overlap(runner: Runner) -> None:
    """Count the validation samples that train as well; samples of two files are taken as others."""
    train, val = (
        [
            (dataset.ann_file, name)
            for dataset in innermost(loader.dataset)
            for name in getattr(dataset, 'names', ())
        ]
        for loader in (runner.train_dataloader, runner.val_dataloader)
    )
    both = {*train} & {*val}
    if both:
        runner.logger.warning(
            f'{len(both):,} of the {len(val):,} validation samples are training samples, such as '
            f'{min(both)[1]}: the accuracy says nothing about other samples.'
        )


def check_save_best(runner: Runner) -> None:
    """Insist on a ``save_best`` among the names that the metrics give to a random prediction."""
    wanted = [
        key
        for hook in runner.hooks
        if isinstance(hook, CheckpointHook) and hook.save_best
        for key in hook.key_indicators
        if key != 'auto'
    ]
    known = _metric_names(runner) if wanted else None
    unknown = sorted({*wanted} - known) if known is not None else ()
    if known and unknown:
        raise InputError(
            f'default_hooks.checkpoint.save_best is {unknown[0]!r}, the metrics of val_evaluator '
            f'are {", ".join(sorted(known))}'
        )


def _metric_names(runner: Runner) -> set[str] | None:
    """Names of the metrics; None if they need more than a score and a label."""
    classes = getattr(getattr(bare_model(runner), 'cls_head', None), 'num_classes', None) or 2
    sample = ActionDataSample().set_pred_score(torch.rand(classes)).set_gt_label(0)
    metrics = runner.val_evaluator.metrics
    evaluator = Evaluator(
        [copy.deepcopy(metric) for metric in metrics if not hasattr(metric, 'out_file_path')]
    )
    try:
        evaluator.process([sample])
        return set(evaluator.evaluate(1))
    except Exception:  # of a metric that is not for single labels
        return None
