"""A check of loss and weights, so that a training that diverged does not go on to its end."""

from collections.abc import Mapping

import torch
from mmaction.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor

from csre_mm.utils.errors import InputError


@HOOKS.register_module()
class FiniteCheckHook(Hook):
    """Stop a training whose loss is not finite again and again, and save no such weights.

    A single batch may be spoilt by a sample. Weights are checked when a checkpoint is written, so
    that the one before stays the newest.

    Args:
        batches: How many batches in a row whose loss is not finite end the training.
        interval: Iterations after which the number of such batches is read from a GPU, which has
            to be waited for; on a CPU it is read in every iteration.

    Raises:
        InputError: If ``batches`` or ``interval`` is below 1, or when the training is ended.

    Example:
        >>> custom_hooks = [dict(type='FiniteCheckHook', batches=10)]  # in a config
    """

    def __init__(self, batches: int = 10, interval: int = 50) -> None:
        for name, value in (('batches', batches), ('interval', interval)):
            if not (isinstance(value, int) and value > 0):
                raise InputError(f'FiniteCheckHook: {name} is {value!r}, it must be at least 1')
        self.batches, self.interval = batches, interval
        self._in_row = self._most = torch.tensor(0)

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: object = None,
        outputs: Mapping[str, Tensor] | None = None,
    ) -> None:
        """Count the batches in a row whose loss is not finite."""
        loss = (outputs or {}).get('loss')
        if not isinstance(loss, Tensor):
            return
        in_row = self._in_row.to(loss.device) + 1
        self._in_row = torch.where(loss.detach().isfinite().all(), 0, in_row)
        self._most = torch.maximum(self._most.to(loss.device), self._in_row)
        is_free = loss.device.type == 'cpu'
        if (is_free or self.every_n_train_iters(runner, self.interval)) and (
            int(self._most) >= self.batches
        ):
            raise InputError(
                f'the loss was not finite in {self.batches} batches in a row, up to iteration '
                f'{runner.iter + 1}: lower optim_wrapper.optimizer.lr, set optim_wrapper.clip_grad '
                'or check the data; batches of FiniteCheckHook in custom_hooks is how many end a '
                'training'
            )

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Refuse to save weights that are not finite."""
        for name, value in checkpoint['state_dict'].items():
            if not value.isfinite().all():
                raise InputError(
                    f'{name} is not finite after iteration {runner.iter}: the training diverged, '
                    'lower optim_wrapper.optimizer.lr or set optim_wrapper.clip_grad; the last '
                    'checkpoint is from before'
                )
