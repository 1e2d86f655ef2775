"""Metafiles in OpenMMLab's form: what each shipped config reached, and how to repeat it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from mmengine.config import Config

from csre_mm.experiments.plan import BASELINE
from csre_mm.experiments.results import CellResult, Results
from csre_mm.experiments.summary import Row, summarise
from results_pages.zoo import BENCHMARKS, ENCODERS, config_names, split_name

TASK = 'Skeleton-based Action Recognition'
RESULTS = 'docs/results'
"""Where published results lie."""
_ARMS = (BASELINE, 'csre')


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
    for stem in config_names():
        encoder, _ = split_name(stem)
        models = [
            model
            for name, results in published.items()
            if not results.held_out
            for model in _models_of(stem, name, results, root)
        ]
        files[encoder]['Models'] += models or [_empty_model(stem, arm) for arm in _ARMS]
    return files


def write_metafile(content: Mapping[str, Any]) -> str:
    """The text of a metafile."""
    note = '# Written by tools/write_results.py from docs/results; do not edit.\n'
    body = yaml.safe_dump(dict(content), sort_keys=False, width=100, allow_unicode=True)
    return note + body


def fill_command(stem: str) -> str:
    """The command that fills the rows of a config."""
    encoder, benchmark = split_name(stem)
    title = f'{ENCODERS[encoder].name}, {BENCHMARKS[benchmark]}'
    subsets = ' --subsets val_clean' if benchmark == 'nwucla' else ''
    return (
        f'python tools/benchmark_runs.py configs/{stem}.py --seeds 0 1 2 --amp{subsets} '
        f"--title '{title}' --out {RESULTS}/{stem}.json"
    )


def _models_of(stem: str, file: str, results: Results, root: Path) -> list[dict[str, Any]]:
    rows = summarise(results)
    whole = Config.fromfile(root / 'configs' / f'{stem}.py').train_cfg.max_epochs
    models = []
    for arm, stream in dict.fromkeys((c.arm, c.stream) for c in results.cells if c.config == stem):
        if arm not in _ARMS:
            continue
        cells = [c for c in results.cells if (c.config, c.arm, c.stream) == (stem, arm, stream)]
        own = [row for row in rows if (row.config, row.arm, row.stream) == (stem, arm, stream)]
        models.append(_model(stem, arm, stream, file, results, cells, own, whole))
    return models


def _model(
    stem: str,
    arm: str,
    stream: str,
    file: str,
    results: Results,
    cells: Sequence[CellResult],
    rows: Sequence[Row],
    whole: int,
) -> dict[str, Any]:
    encoder, benchmark = split_name(stem)
    config = stem if arm == BASELINE else f'csre_{stem}'
    epochs = sorted({epoch for cell in cells for epoch in cell.epochs.get('last', [])})
    shortened = f'-{epochs[0]}e' if epochs and epochs != [whole] else ''
    attempts = [attempt for cell in cells for run in cell.runs for attempt in run['attempts']]
    seconds = [attempt['seconds'] for attempt in attempts]
    return {
        'Name': config + (f'-{stream}' if stream != 'j' else '') + shortened,
        'Config': f'configs/{config}.py',
        'In Collection': ENCODERS[encoder].name,
        'Metadata': {
            'Architecture': [ENCODERS[encoder].name, *(['CSRE'] if arm != BASELINE else [])],
            'Training Data': BENCHMARKS[benchmark],
            'Stream': stream,
            'Epochs': epochs[0] if len(epochs) == 1 else epochs,
            'Epochs of the Recipe': whole,
            'Seeds': sorted(cell.seed for cell in cells),
            'Training Resources': sorted({attempt['machine'] for attempt in attempts}),
            'Training Time of All Seeds (minutes)': (
                None if None in seconds or not seconds else round(sum(seconds) / 60, 1)
            ),
            'Commits': sorted({str(attempt['commit']) for attempt in attempts}),
            'Training Command': results.command,
        },
        'Results': [_result(results, benchmark, subset, rows) for subset in _subsets(results)],
        'Training Log': f'{RESULTS}/{file}',
    }


def _subsets(results: Results) -> list[str]:
    return [results.split, *results.subsets]


def _result(results: Results, benchmark: str, subset: str, rows: Sequence[Row]) -> dict[str, Any]:
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
    return {
        'Task': TASK,
        'Dataset': f'{BENCHMARKS[benchmark]} {subset} ({int(results.mask(subset).sum())})',
        'Metrics': metrics,
    }


def _empty_model(stem: str, arm: str) -> dict[str, Any]:
    encoder, benchmark = split_name(stem)
    config = stem if arm == BASELINE else f'csre_{stem}'
    return {
        'Name': config,
        'Config': f'configs/{config}.py',
        'In Collection': ENCODERS[encoder].name,
        'Metadata': {
            'Architecture': [ENCODERS[encoder].name, *(['CSRE'] if arm != BASELINE else [])],
            'Training Data': BENCHMARKS[benchmark],
            'Training Command': fill_command(stem),
        },
        'Results': [],
    }


def _percent(share: float) -> float:
    return round(100 * share, 2)
