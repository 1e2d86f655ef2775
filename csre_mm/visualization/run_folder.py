"""What a training run left behind, gathered from its folder."""

import math
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config

from csre_mm.evaluation.scores import Scores, load_scores
from csre_mm.evaluation.training_log import Run, read_run, summarise_run
from csre_mm.utils.checkpoints import newest_checkpoint, read_state_dict
from csre_mm.utils.config import has_csre
from csre_mm.utils.errors import InputError
from csre_mm.utils.tables import percent
from csre_mm.visualization.report_page import PICTURES

LARGEST_PICTURE = 5 << 20
"""Bytes of a picture that goes into a report."""


@dataclass
class RunFolder:
    """A run.

    Attributes:
        name: In the report.
        folder: Its working folder.
        log: Its curves; None without a log.
        cfg: Its config; None without one.
        scores: What ``tools/test.py --dump`` wrote, by the file's name.
        banks: By bank (``spatial``, ``temporal``) the class in each slot of the newest checkpoint,
            -1 for an empty one (S,).
        pictures: Pictures in the folder.
        missing: What is not there, and the command that makes it, a sentence each.
    """

    name: str
    folder: Path
    log: Run | None = None
    cfg: Config | None = None
    scores: dict[str, Scores] = field(default_factory=dict)
    banks: dict[str, np.ndarray] = field(default_factory=dict)
    pictures: list[Path] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    @property
    def encoder(self) -> str:
        """The type of the encoder, or a dash."""
        return '-' if self.cfg is None else str(self.cfg.model.backbone.type)

    @property
    def has_csre(self) -> bool:
        """Whether the run trains with CSRE."""
        return self.cfg is not None and has_csre(self.cfg)


def gather_run(name: str, folder: str | os.PathLike) -> RunFolder:
    """Gather what is in the working folder of a run.

    Score files are the ``.pkl`` in the folder, pictures its ``.svg``, ``.png`` and ``.gif``.

    Raises:
        InputError: If there is no such folder, it has neither a log nor scores, or its log, config
            or checkpoint is damaged.
    """
    run = RunFolder(name, Path(folder))
    if not run.folder.is_dir():
        raise InputError(f'{folder}: no such folder, expected the working folder of a run')
    try:
        run.log = read_run(run.folder)
    except InputError as error:
        if 'no log' not in str(error):
            raise
        run.missing.append('There is no log: the folder is not one of tools/train.py.')
    run.cfg = _read_config(run)
    run.scores = _read_scores(run)
    if run.log is None and not run.scores:
        raise InputError(f'{folder}: neither a log nor a score file of a run in it')
    run.banks = _read_banks(run)
    run.pictures = sorted(
        path
        for path in run.folder.iterdir()
        if path.suffix.lower() in PICTURES and path.stat().st_size <= LARGEST_PICTURE
    )
    return run


def _read_config(run: RunFolder) -> Config | None:
    """The config that mmengine copied into the folder, the newest if there are several."""
    files = sorted(run.folder.glob('*.py'), key=lambda path: path.stat().st_mtime)
    if not files:
        run.missing.append('There is no config in the folder.')
        return None
    try:
        cfg = Config.fromfile(files[-1])
        _ = cfg.model.backbone.type
    except Exception as error:  # a config is a program
        reason = ' '.join(str(error).split())
        raise InputError(f'{files[-1]}: no config of a recognizer: {reason:.150}') from error
    return cfg


def _read_scores(run: RunFolder) -> dict[str, Scores]:
    files = sorted(run.folder.glob('*.pkl'))
    if not files:
        run.missing.append(
            f'There are no scores: python tools/test.py CONFIG CHECKPOINT --dump {run.folder}/'
            'scores.pkl'
        )
    return {path.stem: load_scores(path) for path in files}


def _read_banks(run: RunFolder) -> dict[str, np.ndarray]:
    """The classes in the slots of both banks."""
    path = newest_checkpoint(run.folder) if run.has_csre else None
    state = {} if path is None else read_state_dict(path)
    keys = {bank: f'neck.loss_{bank}.bank.labels' for bank in ('spatial', 'temporal')}
    return {bank: state[key].numpy() for bank, key in keys.items() if key in state}


def summary_row(run: RunFolder) -> list[str]:
    """Cells of the first table: who the run is, how far it got, how good it was."""
    numbers: dict[str, float] = {} if run.log is None else summarise_run(run.log)
    unit = '' if run.log is None else run.log.unit
    best = numbers.get('best', math.nan)
    row = [run.name, run.encoder, 'yes' if run.has_csre else 'no' if run.cfg else '-']
    row.append(f'{numbers["length"]:g} {unit}s' if numbers else '-')
    row.append('-' if math.isnan(best) else f'{percent(best)} ({unit} {numbers["best_at"]:g})')
    row.append(percent(numbers.get('acc/top1', math.nan)))
    return row


SUMMARY_HEADER = ('run', 'encoder', 'CSRE', 'trained', 'best val. top-1 %', 'last val. top-1 %')


def bank_rows(run: RunFolder) -> list[list[str]]:
    """Cells on the health of both banks: a row a bank; none without CSRE.

    They are the last values of the log: share of anchors that take part, share of filled slots,
    mean similarities; and the slots of the newest checkpoint.
    """
    rows = []
    for bank in ('spatial', 'temporal'):
        keys = ['anchors', 'bank_filled', 'positive_sim', 'hard_negative_sim']
        last = [_last(run.log, f'{bank}_{key}') for key in [*keys, 'random_negative_sim']]
        labels = run.banks.get(bank)
        if labels is None and all(math.isnan(value) for value in last):
            continue
        slots = '-' if labels is None else f'{len(labels):,}'
        empty = '-' if labels is None else f'{int((labels < 0).sum()):,}'
        shares = [percent(value) for value in last[:2]]
        similarities = ['-' if math.isnan(v) else f'{v:.3f}' for v in last[2:]]
        rows.append([f'{run.name}, {bank}', slots, empty, *shares, *similarities])
    return rows


BANK_HEADER = (
    'bank',
    'slots',
    'empty',
    'anchors %',
    'filled %',
    'sim. of positives',
    'of hard negatives',
    'of random negatives',
)


def bank_notes(run: RunFolder) -> list[str]:
    """What is wrong with the banks of a run, a sentence each."""
    notes = []
    for bank in ('spatial', 'temporal'):
        anchors = _last(run.log, f'{bank}_anchors')
        if anchors == 0:
            notes.append(
                f'{run.name}: the {bank} contrast is idle, no anchor takes part: CSRE is off.'
            )
        elif anchors < 1:
            notes.append(
                f'{run.name}: {100 * anchors:.0f} % of the anchors take part in the {bank} '
                'contrast at the end.'
            )
        if 0 < _last(run.log, f'{bank}_bank_filled') < 1:
            notes.append(f'{run.name}: the {bank} bank has slots that were never filled.')
    return notes


def config_rows(run: RunFolder) -> list[list[str]]:
    """Settings that explain a result: key and value."""
    cfg: Any = run.cfg
    if cfg is None:
        return []
    neck = cfg.model.get('neck') or {}
    found = {
        'stream': (cfg.model.get('data_preprocessor') or {}).get('stream'),
        'batch': (cfg.get('train_dataloader') or {}).get('batch_size'),
        'epochs': (cfg.get('train_cfg') or {}).get('max_epochs'),
        'optimizer': dict((cfg.get('optim_wrapper') or {}).get('optimizer') or {}) or None,
        'seed': (cfg.get('randomness') or {}).get('seed'),
        'contrast': dict(neck.get('loss') or {}) or None,
        'test data': (cfg.get('test_dataloader') or {}).get('dataset', {}).get('ann_file'),
        'test split': (cfg.get('test_dataloader') or {}).get('dataset', {}).get('split'),
    }
    return [[key, str(value)] for key, value in found.items() if value is not None]


def _last(log: Run | None, key: str) -> float:
    series = None if log is None else log.series.get(key)
    return math.nan if series is None else float(series.y[-1])
