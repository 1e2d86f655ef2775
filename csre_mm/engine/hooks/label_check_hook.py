"""A check of the annotations against the model, before the first batch."""

from typing import Any

from mmaction.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from csre_mm.engine.hooks.memory_bank_hook import innermost_dataset
from csre_mm.utils.errors import InputError


@HOOKS.register_module()
class LabelCheckHook(Hook):
    """Refuse labels that the classifier has no score for.

    Labels outside of the classes end in an index error inside the loss on a CPU and in an
    assertion of the device on a GPU.

    Example:
        >>> custom_hooks = [dict(type='LabelCheckHook')]  # in a config
    """

    def before_train(self, runner: Runner) -> None:
        """Check the training set."""
        self._check(runner, runner.train_dataloader.dataset)

    def before_val(self, runner: Runner) -> None:
        """Check the validation set."""
        self._check(runner, runner.val_dataloader.dataset)

    def before_test(self, runner: Runner) -> None:
        """Check the test set."""
        self._check(runner, runner.test_dataloader.dataset)

    @staticmethod
    def _check(runner: Runner, dataset: object) -> None:
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        num_classes = getattr(getattr(model, 'cls_head', None), 'num_classes', None)
        inner: Any = innermost_dataset(dataset) if hasattr(dataset, 'dataset') else dataset
        labels = getattr(inner, 'labels', None)
        if num_classes is None or labels is None:
            return
        low, high = int(labels.min()), int(labels.max())
        if low < 0 or high >= num_classes:
            raise InputError(
                f'{inner.ann_file} has the labels {low} to {high}, the classifier has '
                f'{num_classes} classes: set model.cls_head.num_classes={high + 1}'
                if low >= 0
                else f'{inner.ann_file} has the label {low}; labels start at 0'
            )
