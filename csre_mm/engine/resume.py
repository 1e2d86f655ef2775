"""A training that goes on from a checkpoint, under the config of today."""

import warnings
from collections.abc import Sequence
from typing import Any

from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.runner import EpochBasedTrainLoop, Runner

from csre_mm.utils.errors import InputError, as_input_error, one_line


def go_on(runner: Runner, checkpoint: dict[str, Any], where: str) -> None:
    """Put a runner, whose model is loaded, at the place that a checkpoint was saved at.

    mmengine takes the settings of optimizer and schedules from the checkpoint, so that a learning
    rate, milestones or a number of epochs that the config changes have no effect. Here they are
    those of the config: the schedules are built from it and stepped to the epoch reached. From the
    checkpoint, ``where`` in messages, come the optimizer's state, the history and the seed.
    """
    meta = checkpoint.get('meta')
    meta = meta if isinstance(meta, dict) else {}
    missing = {'epoch', 'iter'} - set(meta) or {'optimizer', 'message_hub'} - set(checkpoint)
    if missing:
        raise InputError(
            f'{where} cannot be resumed, it lacks {sorted(missing)[0]}: to start a new run from '
            'its weights use load_from'
        )
    loop = runner.train_loop
    for key in ('epoch', 'iter'):
        if type(meta[key]) is not int or meta[key] < 0:
            raise InputError(f'{where} cannot be resumed: {key} is {meta[key]!r:.40}')
    loop._epoch, loop._iter = meta['epoch'], meta['iter']
    by_epoch = isinstance(loop, EpochBasedTrainLoop)
    if by_epoch:  # an epoch may have another number of iterations now
        loop._iter = loop._epoch * len(runner.train_dataloader)
    _keep_seed(runner, meta)
    with as_input_error(f'{where} cannot be resumed, its history is damaged'):
        runner.message_hub.load_state_dict(checkpoint['message_hub'])
    trained = _load_optimizer(runner.optim_wrapper, checkpoint['optimizer'], where)
    _step_schedules(runner, checkpoint.get('param_schedulers'))
    place = f'epoch {loop._epoch} of {loop.max_epochs}' if by_epoch else f'iteration {loop._iter}'
    rate = runner.optim_wrapper.get_lr()
    runner.logger.info(
        f'Resumed at {place} of {where}. The config gives the schedules and the settings of the '
        f'optimizer (learning rate now {_rates(rate)}, in the checkpoint {_rates(trained)}); the '
        f'checkpoint gives weights, memory banks, state of the optimizer, history and seed '
        f'{runner.seed}.'
    )


def _keep_seed(runner: Runner, meta: dict[str, Any]) -> None:
    seed, given = meta.get('seed'), runner._randomness_cfg.get('seed')
    if seed is None or seed == given:
        return
    if given is not None:
        runner.logger.warning(f'The seed is {seed} as in the checkpoint, not {given}.')
    runner._randomness_cfg.update(seed=seed)
    runner.set_randomness(**runner._randomness_cfg)


def _groups(wrapper: OptimWrapper) -> list[dict[str, Any]]:
    parts = wrapper.values() if isinstance(wrapper, OptimWrapperDict) else [wrapper]
    return [group for part in parts for group in part.param_groups]


def _load_optimizer(wrapper: OptimWrapper, state: Any, where: str) -> dict[str, list[float]]:
    """Load the state of an optimizer, leave its settings, return the learning rate in it."""
    settings = [{k: v for k, v in group.items() if k != 'params'} for group in _groups(wrapper)]
    try:
        for part in [state] if 'param_groups' in state else state.values():
            saved = {key for key in part['param_groups'][0] if not key.startswith('initial_')}
            surplus = sorted(saved - settings[0].keys() - {'params'})
            added = {key for key in settings[0] if not key.startswith('initial_')} - saved
            if surplus and added:  # another version of torch only adds, or only drops, some
                raise ValueError(f'with {", ".join(surplus)}')
            if not part.get('loss_scaler', True):  # of a CPU, which scales no loss
                del part['loss_scaler']
        wrapper.load_state_dict(state)
        trained = wrapper.get_lr()
        for group, given in zip(_groups(wrapper), settings, strict=True):
            group.update(given)
    except (ValueError, LookupError, TypeError, AttributeError, AssertionError) as error:
        raise InputError(
            f'{where} cannot be resumed, it holds the state of another optimizer '
            f'({one_line(error, 100)}): change optim_wrapper, or start a new run with load_from'
        ) from error
    return trained


def _step_schedules(runner: Runner, saved: Any) -> None:
    """Step fresh schedules to the place that the loop has reached, in the order of a training."""
    found = runner.param_schedulers or []
    loop = runner.train_loop
    epochs, iters = 1, loop.iter
    if by_epoch := isinstance(loop, EpochBasedTrainLoop):
        epochs, iters = loop.epoch, len(runner.train_dataloader)
    for name, schedules in found.items() if isinstance(found, dict) else [(None, found)]:
        if any(getattr(schedule, 'need_val_args', False) for schedule in schedules):
            runner.logger.warning(
                'A schedule follows the validation (ReduceOnPlateau): the schedules and the '
                'learning rate are those of the checkpoint, whatever the config says.'
            )
            _load_schedules(schedules, saved if name is None else saved[name])
            continue
        by_iter = [schedule for schedule in schedules if not schedule.by_epoch]
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')  # that the optimizer has not stepped
            for _ in range(epochs):
                for _ in range(iters if by_iter else 0):
                    for schedule in by_iter:
                        schedule.step()
                for schedule in schedules:
                    if by_epoch and schedule.by_epoch:
                        schedule.step()


def _load_schedules(schedules: Sequence[Any], saved: Sequence[dict[str, Any]]) -> None:
    for schedule, state in zip(schedules, saved, strict=True):
        schedule.load_state_dict(state)
        for group, value in zip(schedule.optimizer.param_groups, state['_last_value'], strict=True):
            group[schedule.param_name] = value


def _rates(values: dict[str, list[float]]) -> str:
    return ', '.join(f'{value:.3g}' for name, (value, *_) in values.items() if 'lr' in name)
