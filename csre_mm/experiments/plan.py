"""Which runs a benchmark consists of: configs, arms, streams, seeds and folds."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mmengine.config import Config

from csre_mm.apis.data_settings import merge_options
from csre_mm.datasets.subjects import make_folds
from csre_mm.evaluation.scores import read_labels
from csre_mm.utils.config import innermost_datasets, read_config
from csre_mm.utils.errors import InputError
from csre_mm.utils.project import find_config

BASELINE = 'baseline'
"""The arm that all others are compared with."""


class Arm(NamedTuple):
    """One of the models that are trained alike.

    Attributes:
        name: ``baseline``, ``csre``, or that of a variant of it.
        options: ``--cfg-options`` in which it differs from its config.
    """

    name: str
    options: Mapping[str, Any]


class Cell(NamedTuple):
    """A place in the table: one run, or one a fold.

    Attributes:
        config: Stem of the baseline's config file.
        arm: Name of the arm.
        stream: j, b, jm or bm.
        seed: Of the run.
    """

    config: str
    arm: str
    stream: str
    seed: int


class PlannedRun(NamedTuple):
    """A training run and what it is tested on.

    Attributes:
        cell: Where it belongs.
        fold: Number of its fold, from 1; None if it is tested on the test split.
        config: Config file.
        options: All its ``--cfg-options``.
        folder: Its working folder.
    """

    cell: Cell
    fold: int | None
    config: Path
    options: dict[str, Any]
    folder: Path


class Request(NamedTuple):
    """What to run.

    Attributes:
        configs: Config files of baselines; that of CSRE lies beside and begins with ``csre_``.
        arms: The arms, the baseline first.
        streams: j, b, jm, bm.
        seeds: Of the runs.
        epochs: Of each run; None for those of its config.
        num_folds: In how many folds the subjects of the training set are held out; 0 to test on
            the test split.
        options: ``--cfg-options`` of all runs.
        folder: Where the runs' working folders go.
    """

    configs: Sequence[Path]
    arms: Sequence[Arm]
    streams: Sequence[str]
    seeds: Sequence[int]
    epochs: int | None
    num_folds: int
    options: Mapping[str, Any]
    folder: Path


def plan_runs(request: Request) -> list[PlannedRun]:
    """List the runs, those that are compared next to each other, so that pairs are ready early.

    Raises:
        InputError: If a config cannot be read, two have a name, or the training set cannot be
            folded.
    """
    stems = [path.stem for path in request.configs]
    for stem in stems:
        if stem.startswith('csre_'):
            raise InputError(
                f'{stem}: give the config of the baseline, csre_... is found beside it'
            )
        if stems.count(stem) > 1:
            raise InputError(f'{stem} is given twice')
    return [run for path in request.configs for run in _runs_of(path, request)]


def _runs_of(path: Path, request: Request) -> Iterator[PlannedRun]:
    path = path if path.is_file() else find_config(path)
    cfg = merge_options(read_config(str(path)), dict(request.options))
    counterpart = path.with_name(f'csre_{path.name}')
    if any(arm.name != BASELINE for arm in request.arms):
        if not counterpart.is_file():  # a shipped one of this name is another baseline's
            raise InputError(f'no such config: {counterpart}')
        read_config(str(counterpart))
    common = {
        **_quiet(cfg),
        **({} if request.epochs is None else shorten_recipe(cfg, request.epochs)),
        **request.options,
    }
    folds: list[tuple[int | None, dict[str, Any]]] = [(None, {})]
    if request.num_folds:
        folds = [*_folds_of(cfg, request.num_folds)]
    for seed, stream, (fold, of_fold), arm in itertools.product(
        request.seeds, request.streams, folds, request.arms
    ):
        parts = [path.stem, arm.name, stream, f'seed{seed}']
        yield PlannedRun(
            Cell(path.stem, arm.name, stream, seed),
            fold,
            path if arm.name == BASELINE else counterpart,
            {**common, 'model.data_preprocessor.stream': stream, **of_fold, **arm.options},
            request.folder.joinpath(*parts, *([] if fold is None else [f'fold{fold}'])),
        )


def _quiet(cfg: Config) -> dict[str, Any]:
    """Two checkpoints beside the best, and the samples read by the process that trains."""
    options: dict[str, Any] = {'default_hooks.checkpoint.max_keep_ckpts': 2}
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        if loader in cfg:
            options[f'{loader}.num_workers'] = 0
            options[f'{loader}.persistent_workers'] = False
    return options


def _folds_of(cfg: Config, num_folds: int) -> list[tuple[int, dict[str, Any]]]:
    """Number and options of each fold: others train, its subjects are validated and tested on."""
    key, dataset = innermost_datasets(cfg, 'train_dataloader')[0]
    folds = make_folds(read_labels(dataset.ann_file, dataset.split), num_folds)
    found = []
    for number, held_out in enumerate(folds, 1):
        rest = [subject for fold in folds if fold is not held_out for subject in fold]
        options: dict[str, Any] = {f'{key}.subjects': rest}
        for loader in ('val_dataloader', 'test_dataloader'):
            options[f'{loader}.dataset.split'] = dataset.split
            options[f'{loader}.dataset.subjects'] = held_out
        found.append((number, options))
    return found


def shorten_recipe(cfg: Config, epochs: int) -> dict[str, Any]:
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
