"""The results of planned runs: from their folders, and from the results file of an earlier call."""

import dataclasses
from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from typing import Any

import numpy as np

from csre_mm.evaluation.confusion import join_scores
from csre_mm.evaluation.ensemble import fuse
from csre_mm.evaluation.scores import Scores, load_scores
from csre_mm.evaluation.training_log import read_run
from csre_mm.experiments.plan import Experiment, PlannedRun
from csre_mm.experiments.record import CHECKPOINTS, describe_run, find_checkpoint, read_record
from csre_mm.experiments.results import ExperimentResult, Results, RunRecord, load_results
from csre_mm.utils.errors import InputError

LOGGED = ('loss', 'loss_cls', 'loss_contrast_spatial', 'loss_contrast_temporal', 'acc/top1')
"""What is kept of a run's log, a number per epoch."""


def read_recorded(
    path: Path | None, runs: Sequence[PlannedRun], amp: bool
) -> tuple[Results | None, set[Experiment]]:
    """Read which planned experiments a results file has, so that their runs need not be repeated.

    Args:
        path: The results file; None, or a file that does not exist, has no experiment.
        runs: All planned runs.
        amp: Whether they are in mixed precision.

    Returns:
        What the file holds, None if there is none, and the experiments.

    Raises:
        InputError: If the file holds no results, an experiment that is not planned, or one of
            other settings.
    """
    if path is None or not path.exists():
        return None, set()
    results = load_results(path)
    planned: dict[Experiment, list[tuple[str, bool]]] = {}
    for run in runs:
        planned.setdefault(run.experiment, []).append((describe_run(run, amp)['settings'], amp))
    found = set()
    for result in results.experiments:
        experiment = Experiment(result.config, result.variant, result.stream, result.seed)
        name = ' '.join(map(str, experiment))
        if experiment not in planned:
            raise InputError(f'{path} has {name}, which is not planned; give another --out')
        settings = [(run.get('settings'), '--amp' in run['command'].split()) for run in result.runs]
        if settings != planned[experiment]:
            raise InputError(f'{path} has {name} with other settings; give another --out')
        found.add(experiment)
    return results, found


def add_recorded(results: Results, recorded: Results) -> Results:
    """Add the experiments of an earlier results file to results of the same samples.

    Raises:
        InputError: If they are of other samples.
    """
    place = {name: i for i, name in enumerate(recorded.names)}
    if place.keys() != set(results.names):
        raise InputError('the results file is of other samples; give another --out')
    order = np.array([place[name] for name in results.names])
    if np.array(recorded.labels)[order].tolist() != results.labels:
        raise InputError('the results file has other labels; give another --out')
    for experiment in recorded.experiments:
        for checkpoint, classes in experiment.predicted.items():
            experiment.predicted[checkpoint] = np.array(classes)[order].tolist()
    return dataclasses.replace(results, experiments=recorded.experiments + results.experiments)


def gather_results(
    runs: Sequence[PlannedRun],
    recorded: Results | None,
    weights: Mapping[str, float],
    subsets: Mapping[str, Set[str]],
    **about: Any,
) -> Results:
    """The results of what is finished, here or in the results file of an earlier call.

    Args:
        runs: Planned runs that are not in the file.
        recorded: What the file holds; None if there is none.
        weights: As :func:`gather_experiments`.
        subsets: Names of the samples of each subset; others than those tested are left out.
        about: The other fields of :class:`Results`.

    Raises:
        InputError: If nothing is finished, or the file is of other samples.
    """
    if recorded is not None and not finished_experiments(runs):
        results = dataclasses.replace(recorded, subsets={}, **about)
    else:
        experiments, scores = gather_experiments(runs, weights)
        results = Results(
            **about,
            names=scores.names,
            labels=[int(label) for label in scores.labels],
            num_classes=scores.scores.shape[1],
            subsets={},
            experiments=experiments,
        )
        results = results if recorded is None else add_recorded(results, recorded)
    for subset, members in subsets.items():
        results.subsets[subset] = [name for name in results.names if name in members]
    return results


def check_kept(path: Path, results: Results) -> None:
    """Refuse to overwrite a results file by results that lack one of its experiments."""
    found = {(e.config, e.variant, e.stream, e.seed) for e in results.experiments}
    for e in load_results(path).experiments if path.exists() else ():
        if (e.config, e.variant, e.stream, e.seed) not in found:
            name = f'{e.config} {e.variant} {e.stream} {e.seed}'
            raise InputError(f'{path} has {name}, which is not finished here: it stays')


def finished_experiments(runs: Sequence[PlannedRun]) -> dict[Experiment, list[PlannedRun]]:
    """The experiments whose runs are all finished, by their folders, and these runs."""
    members: dict[Experiment, list[PlannedRun]] = {}
    for run in runs:
        members.setdefault(run.experiment, []).append(run)
    return {
        experiment: own
        for experiment, own in members.items()
        if all((read_record(run.folder) or {}).get('finished') for run in own)
    }


def gather_experiments(
    runs: Sequence[PlannedRun], weights: Mapping[str, float]
) -> tuple[list[ExperimentResult], Scores]:
    """Read the scores of the experiments whose runs are all finished.

    Args:
        runs: All planned runs.
        weights: Of the streams of an ensemble, by stream; empty for none.

    Returns:
        The experiments, and the scores of one of them for the names and labels.

    Raises:
        InputError: If no experiment is finished, or score files are of other samples.
    """
    members = finished_experiments(runs)
    if not members:
        raise InputError('no run is finished yet')
    places = [(e, own, c) for e, own in members.items() for c in CHECKPOINTS]
    joined = join_scores({_path(e, c): _read_scores(own, c) for e, own, c in places})
    found = []
    for experiment, own in members.items():
        epochs = {c: [find_checkpoint(run.folder, c)[1] for run in own] for c in CHECKPOINTS}
        result = _predict([experiment], joined, [1.0])
        result.epochs, result.runs = epochs, [_describe(run) for run in own]
        found.append(result)
        ensemble = [experiment._replace(stream=stream) for stream in weights]
        if ensemble and experiment == ensemble[-1] and all(e in members for e in ensemble):
            found.append(_predict(ensemble, joined, list(weights.values())))
            found[-1].weights = list(weights.values())
    return found, next(iter(joined.values()))


def _read_scores(runs: Sequence[PlannedRun], checkpoint: str) -> Scores:
    """The scores of an experiment; folds are of different samples and are put together."""
    parts = [load_scores(run.folder / f'{checkpoint}.pkl') for run in runs]
    return Scores(
        [sample for part in parts for sample in part.names],
        np.concatenate([part.labels for part in parts]),
        np.concatenate([part.scores for part in parts]),
    )


def _predict(
    experiments: Sequence[Experiment], joined: Mapping[str, Scores], weights: Sequence[float]
) -> ExperimentResult:
    """The predictions of one experiment, or of the ensemble of several streams."""
    predicted = {}
    for checkpoint in CHECKPOINTS:
        fused = fuse([joined[_path(e, checkpoint)] for e in experiments], weights)
        predicted[checkpoint] = fused.scores.argmax(axis=1).tolist()
    whole = experiments[0]._replace(stream='+'.join(e.stream for e in experiments))
    return ExperimentResult(**whole._asdict(), predicted=predicted)


def _describe(run: PlannedRun) -> RunRecord:
    """The record of a run with its log."""
    record = read_record(run.folder)
    assert record is not None
    series = read_run(run.folder).series
    log: dict[str, dict[str, list[float]]] = {}
    for key in LOGGED:
        if key in series:
            x, y = series[key]
            whole = x == x.round()  # ends of epochs
            values = y[whole].round(4).tolist()
            log[key] = {'epoch': x[whole].astype(int).tolist(), 'value': values}
    return RunRecord(
        fold=record['fold'],
        command=record['command'],
        settings=record['settings'],
        attempts=record['attempts'],
        log=log,
    )


def _path(experiment: Experiment, checkpoint: str) -> str:
    return '{}/{}/{}/seed{}/{}'.format(*experiment, checkpoint)
