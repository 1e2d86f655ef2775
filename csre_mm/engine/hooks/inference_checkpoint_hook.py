"""Which part of a checkpoint a test uses."""

from mmaction.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from mmengine.runner.base_loop import BaseLoop
from torch import nn

from csre_mm.utils.checkpoints import find_state_dict
from csre_mm.utils.errors import InputError

TRAIN_ONLY = 'neck.'
"""Prefix of the weights that only training uses, unless the model has a neck in testing too."""


def bare_model(runner: Runner) -> nn.Module:
    """The model without the wrapper of a distributed training."""
    return runner.model.module if is_model_wrapper(runner.model) else runner.model


def trains(runner: Runner) -> bool:
    """Whether the training loop was built, that is, something is trained."""
    return isinstance(runner._train_loop, BaseLoop)


def matching_state(state: dict, expected: dict, where: str) -> tuple[dict, int]:
    """The tensors of a checkpoint that testing needs, and how many are left out: the neck's."""
    kept = state
    if not any(key.startswith(TRAIN_ONLY) for key in expected):
        kept = {key: value for key, value in state.items() if not key.startswith(TRAIN_ONLY)}
    refuse_other_model(kept, expected, where)
    return kept, len(state) - len(kept)


def refuse_other_model(state: dict, expected: dict, where: str) -> None:
    """Insist on exactly the tensors of a model, all of them finite; ``where`` is the checkpoint."""
    missing, surplus = (
        sorted(expected.keys() - state.keys()),
        sorted(state.keys() - expected.keys()),
    )
    if missing or surplus:
        found = [f'{len(missing)} tensors are missing (such as {missing[0]})'] if missing else []
        found += [f'{len(surplus)} are not of it (such as {surplus[0]})'] if surplus else []
        raise InputError(f'{where} is a checkpoint of another model: {" and ".join(found)}')
    for key, value in expected.items():
        if state[key].shape != value.shape:
            raise InputError(
                f'{where} is a checkpoint of another model: {key} is {tuple(state[key].shape)}, '
                f'the model has {tuple(value.shape)}'
            )
        if not state[key].isfinite().all():
            raise InputError(f'{where}: {key} is not finite: the training diverged')


@HOOKS.register_module()
class InferenceCheckpointHook(Hook):
    """Load what testing needs, say what was left out, and refuse a checkpoint of another model.

    mmengine would warn about tensors that are missing and test with random ones.

    Example:
        >>> hook = dict(type='InferenceCheckpointHook')  # in custom_hooks; tools/test.py adds it
    """

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Check the weights before they are loaded."""
        state = find_state_dict(checkpoint, runner._load_from, bare=False)
        expected = bare_model(runner).state_dict()
        kept, left_out = matching_state(state, expected, str(runner._load_from))
        checkpoint['state_dict'] = kept
        if left_out:
            runner.logger.info(
                f'Left out {left_out} tensors of the checkpoint: the neck and its memory banks '
                'serve training only.'
            )
