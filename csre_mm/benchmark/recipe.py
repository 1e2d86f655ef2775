"""A recipe in fewer epochs: the same schedule of the learning rate, compressed."""

from typing import Any

from mmengine.config import Config

from csre_mm.utils.errors import InputError


def shorten(cfg: Config, epochs: int) -> dict[str, Any]:
    """Options that bring a config to fewer (or more) epochs.

    With s = epochs / epochs of the config: steps come at s times their epoch, rounded, the warm-up
    and a cosine end at s times theirs, counted in iterations, and an exponential decay ends at the
    rate where the whole recipe ends.

    Args:
        cfg: A config with ``param_scheduler`` by epochs.
        epochs: Of the short run.

    Returns:
        ``--cfg-options``, empty if the config has this number of epochs.

    Raises:
        InputError: If ``epochs`` is below 1, or a schedule is of a kind that is not known here.
    """
    if epochs < 1:
        raise InputError(f'--epochs is {epochs}, expected at least 1')
    whole = cfg.train_cfg.max_epochs
    if epochs == whole:
        return {}
    options: dict[str, Any] = {'train_cfg.max_epochs': epochs}
    for place, schedule in enumerate(cfg.param_scheduler):
        changes = _compress(schedule, epochs / whole)
        options.update({f'param_scheduler.{place}.{key}': v for key, v in changes.items()})
    return options


def _compress(schedule: dict, share: float) -> dict[str, Any]:
    """What of one schedule changes."""
    if not schedule.get('by_epoch', True):
        raise InputError('--epochs needs schedules that count epochs (by_epoch=True)')
    kind = schedule['type']
    if kind == 'MultiStepLR':
        return {'milestones': [max(1, round(step * share)) for step in schedule['milestones']]}
    if kind == 'ExponentialLR':
        return {'gamma': round(schedule['gamma'] ** (1 / share), 6)}
    if kind in ('LinearLR', 'CosineAnnealingLR'):
        changes: dict[str, Any] = {
            key: round(schedule[key] * share, 4)
            for key in ('begin', 'end', 'T_max')
            if schedule.get(key)
        }
        return {**changes, 'convert_to_iter_based': True}
    raise InputError(f'--epochs does not know how to shorten a {kind} schedule')
