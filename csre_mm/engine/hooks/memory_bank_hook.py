"""The life of the memory banks in a run."""

from mmaction.registry import HOOKS
from mmengine.dataset import BaseDataset, ClassBalancedDataset, RepeatDataset
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from csre_mm.models.losses import MemoryContrastLoss
from csre_mm.utils.errors import InputError


def innermost_dataset(dataset: object) -> BaseDataset:
    """The dataset whose positions ``sample_idx`` counts.

    Raises:
        InputError: If several datasets are joined: their positions would coincide.
    """
    while isinstance(dataset, RepeatDataset | ClassBalancedDataset):
        dataset = dataset.dataset
    if not isinstance(dataset, BaseDataset):
        raise InputError(
            f'CSRE needs one position for each training sample, which a {type(dataset).__name__} '
            'does not give: join the annotation files instead'
        )
    return dataset


@HOOKS.register_module()
class MemoryBankHook(Hook):
    """Size the memory banks from the training set, and look after them.

    Before the training, and before a checkpoint is loaded, each bank gets as many slots as the
    training set has samples, and ``PackActionInputs`` is told to hand on ``sample_idx``. Banks are
    loaded when a run is resumed; a run that only starts from the weights of another, or a test,
    does without them. A contrast that no anchor took part in since the last look is reported. With
    a model that has no bank the hook does nothing.

    Args:
        interval: Iterations after which an idle contrast is reported.
    """

    priority = 'NORMAL'

    def __init__(self, interval: int = 100) -> None:
        self.interval = interval

    @staticmethod
    def losses(runner: Runner) -> dict[str, MemoryContrastLoss]:
        """The contrasts of the model by name."""
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        modules = model.named_modules()
        return {name: module for name, module in modules if isinstance(module, MemoryContrastLoss)}

    def before_run(self, runner: Runner) -> None:
        """Allocate the banks and ask the pipeline for ``sample_idx``."""
        losses = self.losses(runner)
        if not losses or self._only_tests(runner):
            return
        dataset = innermost_dataset(runner.train_dataloader.dataset)
        for loss in losses.values():
            loss.bank.allocate(len(dataset))
        for transform in dataset.pipeline.transforms:
            keys = getattr(transform, 'meta_keys', None)
            if keys is not None and 'sample_idx' not in keys:
                transform.meta_keys = (*keys, 'sample_idx')

    @staticmethod
    def _only_tests(runner: Runner) -> bool:
        """Whether the training loop is still a config, that is, nothing is trained."""
        return runner._train_loop is None or isinstance(runner._train_loop, dict)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Leave banks of another run out."""
        if not self._only_tests(runner) and runner._resume:
            return
        state = checkpoint.get('state_dict', {})
        left_out = [
            key
            for name in self.losses(runner)
            for key in state
            if key.startswith((f'{name}.bank.', f'{name}._extra_state'))
        ]
        for key in left_out:
            del state[key]
        if left_out and not self._only_tests(runner):
            runner.logger.info('The memory banks start empty: only weights are loaded.')

    def after_train_iter(self, runner: Runner, batch_idx: int, **kwargs: object) -> None:
        """Report a contrast that is idle."""
        if not self.every_n_train_iters(runner, self.interval):
            return
        for name, loss in self.losses(runner).items():
            if loss.statistics and not loss.statistics['anchors']:
                runner.logger.warning(
                    f'{name} is idle: no anchor of this batch has enough positives and negatives '
                    f'(gate={loss.gate!r}, num_positives={loss.num_positives}, '
                    f'num_negatives={loss.num_negatives}, '
                    f'{int((loss.bank.labels >= 0).sum())} of {loss.bank.num_slots} slots filled).'
                )
