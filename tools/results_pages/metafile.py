"""Metafiles in OpenMMLab's form: what each shipped config reached, and how to repeat it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from mmengine.config import Config

from csre_mm.experiments.plan import BASELINE
from csre_mm.experiments.results import ExperimentResult, Results
from csre_mm.experiments.summary import Row, summarise
from results_pages.zoo import BENCHMARKS, ENCODERS, config_names, split_name

TASK = 'Skeleton-based Action Recognition'
RESULTS = 'docs/results'
"""Where published results lie."""
_VARIANTS = (BASELINE, 'csre')


def make_metafiles(published: Mapping[str, Results], root: Path) -> dict[str, dict[str, Any]]:
    """Work out the metafile of every encoder.

    Args:
        published: Results by the name of their file. Held-out subjects are no test split, so
            results of them are left out, and so are variants of CSRE other than the shipped one.
        root: Folder of the project.

    Returns:
        By encoder what its ``metafile.yml`` holds. A config that nobody has run has a model with
        empty ``Results`` and the command that would fill them.
    """
    files: dict[str, dict[str, Any]] = {
        encoder: {
            'Collections': [
                {
                    'Name': entry.name,
                    'Paper': {'Title': entry.title, 'URL': entry.url},
                    'README': 'docs/encoders.md',
                }
            ],
            'Models': [],
        }
        for encoder, entry in ENCODERS.items()
    }
    for baseline in config_names():
        encoder, _ = split_name(baseline)
        models = [
            model
            for name, results in published.items()
            if not results.held_out
            for model in _models_of(baseline, name, results, root)
        ]
        files[encoder]['Models'] += models or [
            _empty_model(baseline, variant) for variant in _VARIANTS
        ]
    return files


def write_metafile(content: Mapping[str, Any]) -> str:
    """The text of a metafile."""
    note = '# Written by tools/write_results.py from docs/results; do not edit.\n'
    body = yaml.safe_dump(dict(content), sort_keys=False, width=100, allow_unicode=True)
    return note + body


def fill_command(baseline: str) -> str:
    """The command that fills the rows of a config."""
    encoder, benchmark = split_name(baseline)
    title = f'{ENCODERS[encoder].name}, {BENCHMARKS[benchmark]}'
    subsets = ' --subsets val_clean' if benchmark == 'nwucla' else ''
    return (
        f'python tools/benchmark_runs.py configs/{baseline}.py --seeds 0 1 2 --amp{subsets} '
        f"--title '{title}' --out {RESULTS}/{baseline}.json"
    )


def _models_of(baseline: str, file: str, results: Results, root: Path) -> list[dict[str, Any]]:
    """A model for each variant and stream of a config that was run."""
    groups: dict[tuple[str, str], list[ExperimentResult]] = {}
    for result in results.experiments:
        if result.config == baseline and result.variant in _VARIANTS:
            groups.setdefault((result.variant, result.stream), []).append(result)
    if not groups:
        return []
    rows = summarise(results)
    whole = Config.fromfile(root / 'configs' / f'{baseline}.py').train_cfg.max_epochs
    models = []
    for (variant, stream), runs in groups.items():
        model = _empty_model(baseline, variant)
        epochs = sorted({epoch for result in runs for epoch in result.epochs.get('last', [])})
        attempts = [each for result in runs for run in result.runs for each in run['attempts']]
        seconds = [attempt['seconds'] for attempt in attempts]
        model['Name'] += f'-{stream}' if stream != 'j' else ''
        model['Name'] += f'-{epochs[0]}e' if epochs and epochs != [whole] else ''
        del model['Metadata']['Training Command']  # the order of the keys is that of the file
        model['Metadata'] |= {
            'Stream': stream,
            'Epochs': epochs[0] if len(epochs) == 1 else epochs,
            'Epochs of the Recipe': whole,
            'Seeds': sorted(result.seed for result in runs),
            'Training Resources': sorted({attempt['machine'] for attempt in attempts}),
            'Training Time of All Seeds (minutes)': (
                None
                if None in seconds or not seconds
                else round(sum(filter(None, seconds)) / 60, 1)
            ),
            'Commits': sorted({str(attempt['commit']) for attempt in attempts}),
            'Training Command': results.command,
        }
        own = [r for r in rows if (r.config, r.variant, r.stream) == (baseline, variant, stream)]
        model['Results'] = [
            _result(results, baseline, subset, own) for subset in (results.split, *results.subsets)
        ]
        model['Training Log'] = f'{RESULTS}/{file}'
        models.append(model)
    return models


def _result(results: Results, baseline: str, subset: str, rows: Sequence[Row]) -> dict[str, Any]:
    last, best = (
        next(row for row in rows if (row.subset, row.checkpoint) == (subset, checkpoint))
        for checkpoint in ('last', 'best')
    )
    metrics: dict[str, Any] = {'Top 1 Accuracy': _percent(last.mean)}
    if last.deviation is not None:
        metrics['Standard Deviation over Seeds'] = _percent(last.deviation)
    if last.difference is not None:
        low, high, _ = last.difference.interval
        metrics['Change over Baseline'] = _percent(last.difference.mean)
        metrics['95 % Interval of the Change'] = [_percent(low), _percent(high)]
    metrics['Top 1 Accuracy of the Epoch Chosen on the Test Split'] = _percent(best.mean)
    samples = int(results.mask(subset).sum())
    return {
        'Task': TASK,
        'Dataset': f'{BENCHMARKS[split_name(baseline)[1]]} {subset} ({samples})',
        'Metrics': metrics,
    }


def _empty_model(baseline: str, variant: str) -> dict[str, Any]:
    encoder, benchmark = split_name(baseline)
    config = baseline if variant == BASELINE else f'csre_{baseline}'
    return {
        'Name': config,
        'Config': f'configs/{config}.py',
        'In Collection': ENCODERS[encoder].name,
        'Metadata': {
            'Architecture': [ENCODERS[encoder].name, *(['CSRE'] if variant != BASELINE else [])],
            'Training Data': BENCHMARKS[benchmark],
            'Training Command': fill_command(baseline),
        },
        'Results': [],
    }


def _percent(fraction: float) -> float:
    return round(100 * fraction, 2)
