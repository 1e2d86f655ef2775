"""What a training run left behind, gathered from its folder."""

import math
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config

from csre_mm.evaluation.bank_health import BANKS
from csre_mm.evaluation.scores import Scores, load_scores
from csre_mm.evaluation.training_log import Run, find_logs, read_run
from csre_mm.utils.checkpoints import newest_checkpoint, read_state_dict
from csre_mm.utils.config import has_csre
from csre_mm.utils.config_text import parse_settings
from csre_mm.utils.errors import InputError, one_line
from csre_mm.utils.files import read_text
from csre_mm.utils.tables import percent
from csre_mm.visualization.report_page import IMAGES

LARGEST_IMAGE = 5 << 20  # bytes of an image that goes into a report


@dataclass
class RunFolder:
    """A run, what its working folder holds, and what it lacks."""

    name: str
    folder: Path
    log: Run | None = None
    cfg: Config | None = None
    scores: dict[str, Scores] = field(default_factory=dict)  # of ``tools/test.py --dump``, by file
    banks: dict[str, np.ndarray] = field(default_factory=dict)  # class of each slot, or -1
    images: list[Path] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)  # and the command that makes it

    def last(self, key: str) -> float:
        """The last value in the log; NaN if it has none."""
        return math.nan if self.log is None else self.log.last(key)


def gather_run(name: str, folder: str | os.PathLike) -> RunFolder:
    """Gather what is in the working folder of a run.

    Score files are the ``.pkl`` in the folder, images its ``.svg``, ``.png`` and ``.gif``.

    Raises:
        InputError: If there is no such folder, it has neither a log nor scores, or its log, config
            or checkpoint is damaged.

    Example:
        >>> run = gather_run('ours', 'run')
        >>> run.log.unit
        'epoch'
    """
    run = RunFolder(name, Path(folder))
    if not run.folder.is_dir():
        raise InputError(f'{folder}: no such folder, expected the working folder of a run')
    if find_logs(run.folder):
        run.log = read_run(run.folder)
    else:
        run.missing.append('There is no log: the folder is not one of tools/train.py.')
    run.cfg = _read_config(run.folder)
    if run.cfg is None:
        run.missing.append('There is no config in the folder.')
    run.scores = {path.stem: load_scores(path) for path in sorted(run.folder.glob('*.pkl'))}
    if not run.scores:
        command = f'python tools/test.py CONFIG CHECKPOINT --dump {run.folder}/scores.pkl'
        run.missing.append(f'There are no scores: {command}')
        if run.log is None:
            raise InputError(f'{folder}: neither a log nor a score file of a run in it')
    checkpoint = newest_checkpoint(run.folder)
    if checkpoint is not None and run.cfg is not None and has_csre(run.cfg):
        state = read_state_dict(checkpoint)
        keys = {bank: f'neck.loss_{bank}.bank.labels' for bank in BANKS}
        run.banks = {bank: state[key].numpy() for bank, key in keys.items() if key in state}
    run.images = sorted(
        path
        for path in run.folder.iterdir()
        if path.suffix.lower() in IMAGES and path.stat().st_size <= LARGEST_IMAGE
    )
    return run


def _read_config(folder: Path) -> Config | None:
    """The newest config that mmengine wrote into the folder, read as data: none of it is run."""
    files = sorted(folder.glob('*.py'), key=lambda path: path.stat().st_mtime, reverse=True)
    reasons = []
    for path in files:
        try:
            cfg = Config(parse_settings(read_text(path)))
            _ = cfg.model.backbone.type
            return cfg
        except (ValueError, AttributeError, TypeError, KeyError) as error:  # another file
            reasons.append(f'{path}: no config of a recognizer: {one_line(error, 150)}')
    if reasons:
        raise InputError(reasons[0])
    return None


SUMMARY_HEADER = (
    *('run', 'encoder', 'CSRE', 'started', 'trained', 'best val. top-1 %', 'last val. top-1 %'),
)


def summary_row(run: RunFolder) -> list[str]:
    """A row of the first table: what the run is, how far it got, how good it was."""
    row = [run.name, '-', '-', _started(run.folder), '-', '-', percent(run.last('acc/top1'))]
    if run.cfg is not None:
        row[1], row[2] = str(run.cfg.model.backbone.type), 'yes' if has_csre(run.cfg) else 'no'
    if run.log is not None:
        best, place = run.log.best('acc/top1')
        row[4] = f'{run.log.length:g} {run.log.unit}s'
        row[5] = '-' if math.isnan(best) else f'{percent(best)} ({run.log.unit} {place:g})'
    return row


def _started(folder: Path) -> str:
    """When a run was started first: mmengine names the folders of its logs after the time."""
    for path in sorted(folder.glob('*/vis_data')):
        with suppress(ValueError):
            return str(datetime.strptime(path.parent.name, '%Y%m%d_%H%M%S'))
    return '-'


BANK_HEADER = (
    *('bank', 'slots', 'empty', 'anchors %', 'filled %'),
    *('sim. of positives', 'of hard negatives', 'of random negatives'),
)


def bank_rows(run: RunFolder) -> list[list[str]]:
    """Rows on the health of both banks; none without CSRE."""
    rows = []
    for bank in BANKS:
        fractions = [run.last(f'{bank}_{key}') for key in ('anchors', 'bank_filled')]
        kinds = ('positive', 'hard_negative', 'random_negative')
        similarities = [run.last(f'{bank}_{kind}_sim') for kind in kinds]
        labels = run.banks.get(bank)
        if labels is None and all(map(math.isnan, fractions + similarities)):
            continue
        row = [f'{run.name}, {bank}', '-', '-', *map(percent, fractions)]
        if labels is not None:
            row[1:3] = f'{len(labels):,}', f'{int((labels < 0).sum()):,}'
        rows.append([*row, *('-' if math.isnan(v) else f'{v:.3f}' for v in similarities)])
    return rows


def bank_notes(run: RunFolder) -> list[str]:
    """What is wrong with the banks of a run, a sentence each."""
    notes = []
    for bank in BANKS:
        anchors = run.last(f'{bank}_anchors')
        if anchors == 0:
            notes.append(f'the {bank} contrast is inactive, no anchor is active: CSRE is off.')
        elif anchors < 1:
            active = f'{100 * anchors:.0f} % of the anchors are active'
            notes.append(f'{active} in the {bank} contrast at the end.')
        if 0 < run.last(f'{bank}_bank_filled') < 1:
            notes.append(f'the {bank} bank has slots that were never filled.')
    return [f'{run.name}: {note}' for note in notes]


_SETTINGS = {
    'stream': 'model.data_preprocessor.stream',
    'batch': 'train_dataloader.batch_size',
    'epochs': 'train_cfg.max_epochs',
    'optimizer': 'optim_wrapper.optimizer',
    'seed': 'randomness.seed',
    'contrast': 'model.neck.loss',
    'test data': 'test_dataloader.dataset.ann_file',
    'test split': 'test_dataloader.dataset.split',
}


def settings_of(run: RunFolder) -> dict[str, str]:
    """Settings that explain a result, by name."""
    found = {}
    for name, key in _SETTINGS.items():
        value: Any = run.cfg
        for part in key.split('.'):
            value = value.get(part) if isinstance(value, Mapping) else None
        if value is not None:
            found[name] = str(value)
    return found
