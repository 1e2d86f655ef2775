"""Which runs a benchmark consists of: configs, variants, streams, seeds and folds."""

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mmengine.config import Config

from csre_mm.apis.data_settings import merge_options
from csre_mm.datasets.subjects import make_folds
from csre_mm.engine.trained_with import STREAM
from csre_mm.evaluation.scores import read_labels
from csre_mm.utils.config import innermost_datasets, read_config
from csre_mm.utils.errors import InputError
from csre_mm.utils.project import find_config

BASELINE = 'baseline'
"""The variant that all others are compared with."""


class Variant(NamedTuple):
    """One of the models that are trained alike: the baseline, CSRE, CSRE with other settings."""

    name: str
    options: Mapping[str, Any]  # --cfg-options in which it differs from its config


class Experiment(NamedTuple):
    """One entry of the table: one run, or one run per fold."""

    config: str  # name of the baseline's
    variant: str
    stream: str
    seed: int


class PlannedRun(NamedTuple):
    """A training run and what it is tested on."""

    experiment: Experiment
    fold: int | None  # from 1; None if it is tested on the test split
    config: Path
    options: dict[str, Any]  # all its --cfg-options
    folder: Path


def plan_runs(
    configs: Sequence[Path],
    variants: Sequence[Variant],
    streams: Sequence[str] = ('j',),
    seeds: Sequence[int] = (0,),
    *,
    epochs: int | None = None,
    num_folds: int = 0,
    options: Mapping[str, Any] | None = None,
    folder: Path = Path('work_dirs/benchmark'),
) -> list[PlannedRun]:
    """List the runs, those of an experiment next to each other, and those that are compared.

    Args:
        configs: Config files of baselines, or names of shipped ones; the config with CSRE is
            ``csre_`` and the same name, in the same folder.
        variants: The variants, the baseline first.
        streams: j, b, jm, bm.
        seeds: Of the runs.
        epochs: Of each run; None for those of its config.
        num_folds: In how many folds the subjects of the training set are held out; 0 to test on
            the test split.
        options: ``--cfg-options`` of all runs.
        folder: Where the runs' working folders go.

    Raises:
        InputError: If a config cannot be read, has no such stream or schedule, two have a name, or
            the training set cannot be folded.

    Example:
        >>> variants = [Variant('baseline', {}), Variant('csre', {})]
        >>> runs = plan_runs([Path('hcn_nwucla')], variants, seeds=[0, 1], epochs=16)
        >>> [run.config.name for run in runs[:2]]
        ['hcn_nwucla.py', 'csre_hcn_nwucla.py']
    """
    names = [path.stem for path in configs]
    for name in names:
        if name.startswith('csre_'):
            raise InputError(f'{name}: give the config of the baseline, csre_... is added to it')
        if names.count(name) > 1:
            raise InputError(f'{name} is given twice')
    if STREAM in (options or {}):
        raise InputError(f'{STREAM} is set for each run by --streams')
    runs: list[PlannedRun] = []
    for path in configs:
        path = path if path.is_file() else find_config(path)
        cfg = merge_options(read_config(str(path)), dict(options or {}))
        counterpart = path.with_name(f'csre_{path.name}')
        if any(variant.name != BASELINE for variant in variants):
            if not counterpart.is_file():  # a shipped one of this name is another baseline's
                raise InputError(f'no such config: {counterpart}')
            read_config(str(counterpart))
        common = {
            **_quiet(cfg),
            **({} if epochs is None else compress_schedule(cfg, epochs)),
            **(options or {}),
        }
        folds = _folds_of(cfg, num_folds) if num_folds else [(None, {})]
        preprocessor = cfg.model.get('data_preprocessor') or {}
        has_streams = preprocessor.get('type') == 'SkeletonPreprocessor'
        if not has_streams and [*streams] != ['j']:
            raise InputError(f'{path.stem} has no streams: leave out --streams')
        for seed, stream, variant, (fold, of_fold) in itertools.product(
            seeds, streams, variants, folds
        ):
            experiment = Experiment(path.stem, variant.name, stream, seed)
            own = folder / path.stem / variant.name / stream / f'seed{seed}'
            own = own if fold is None else own / f'fold{fold}'
            config = path if variant.name == BASELINE else counterpart
            of_stream = {STREAM: stream} if has_streams else {}
            all_options = {**common, **of_stream, **of_fold, **variant.options}
            runs.append(PlannedRun(experiment, fold, config, all_options, own))
    return runs


def _quiet(cfg: Config) -> dict[str, Any]:
    """Two checkpoints besides the best one, and the samples read by the process that trains."""
    options: dict[str, Any] = {'default_hooks.checkpoint.max_keep_ckpts': 2}
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        if loader in cfg:
            options[f'{loader}.num_workers'] = 0
            options[f'{loader}.persistent_workers'] = False
    return options


def _folds_of(cfg: Config, num_folds: int) -> list[tuple[int | None, dict[str, Any]]]:
    """Number and options of each fold: training on the others, testing on its subjects."""
    key, dataset = innermost_datasets(cfg, 'train_dataloader')[0]
    split = dataset.get('split')
    folds = make_folds(read_labels(dataset.ann_file, split), num_folds)
    found: list[tuple[int | None, dict[str, Any]]] = []
    for number, held_out in enumerate(folds, 1):
        rest = [subject for fold in folds if fold is not held_out for subject in fold]
        options: dict[str, Any] = {f'{key}.subjects': rest}
        if 'test_split' in (cfg.get('data') or {}):
            options['data.test_split'] = split
        for loader in ('val_dataloader', 'test_dataloader'):
            options[f'{loader}.dataset.split'] = split
            options[f'{loader}.dataset.subjects'] = held_out
        found.append((number, options))
    return found


def compress_schedule(cfg: Config, epochs: int) -> dict[str, Any]:
    """``--cfg-options`` that bring a config with schedules by epochs to fewer (or more) epochs.

    With s = epochs / epochs of the config: milestones are at s times their epoch, rounded, the
    warm-up and a cosine schedule end at s times theirs, counted in iterations, and an exponential
    schedule ends at the learning rate at which the whole recipe ends.

    Raises:
        InputError: If ``epochs`` is below 1, or a schedule is of a kind that is not known here.
    """
    if epochs < 1:
        raise InputError(f'--epochs is {epochs}, expected at least 1')
    whole = (cfg.get('train_cfg') or {}).get('max_epochs')
    if whole is None:
        raise InputError('--epochs needs a config with train_cfg.max_epochs')
    if epochs == whole:
        return {}
    options: dict[str, Any] = {'train_cfg.max_epochs': epochs}
    schedules = cfg.get('param_scheduler') or []
    if isinstance(schedules, Mapping):
        schedules = {'param_scheduler': schedules}
    else:
        schedules = {f'param_scheduler.{i}': schedule for i, schedule in enumerate(schedules)}
    for place, schedule in schedules.items():
        changes = _compress(schedule, epochs / whole)
        options.update({f'{place}.{key}': value for key, value in changes.items()})
    return options


def _compress(schedule: dict, factor: float) -> dict[str, Any]:
    """What of one schedule changes."""
    if not schedule.get('by_epoch', True):
        raise InputError('--epochs needs schedules that count epochs (by_epoch=True)')
    kind = schedule['type']
    if kind == 'MultiStepLR':
        return {'milestones': [max(1, round(m * factor)) for m in schedule['milestones']]}
    if kind == 'ExponentialLR':
        return {'gamma': round(schedule['gamma'] ** (1 / factor), 6)}
    if kind in ('LinearLR', 'CosineAnnealingLR'):
        keys = [key for key in ('begin', 'end', 'T_max') if schedule.get(key)]
        ends = {key: round(schedule[key] * factor, 4) for key in keys}
        return {**ends, 'convert_to_iter_based': True}
    raise InputError(f'--epochs does not know how to compress a {kind} schedule')
