"""The record of a run: what makes it, how far it is, and the files it left."""

import hashlib
import json
import re
import shlex
from pathlib import Path
from typing import Any

from csre_mm.apis.data_settings import merge_options
from csre_mm.experiments.plan import PlannedRun
from csre_mm.utils.config import read_config
from csre_mm.utils.errors import InputError
from csre_mm.utils.files import atomic_path, load_json
from csre_mm.utils.project import ROOT, call_of

RECORD = 'run.json'
"""What is known of a run, in its working folder."""
CHECKPOINTS = ('last', 'best')
"""``best`` is the epoch of the highest top-1 on the samples it is tested on."""


def train_command(run: PlannedRun, amp: bool) -> list[str]:
    """Script and arguments that train a run, and continue it if it was interrupted."""
    seed = ['--seed', str(run.experiment.seed), *(['--amp'] if amp else [])]
    rest = ['--resume', '--work-dir', str(run.folder), '--cfg-options', *options_of_run(run)]
    return ['train.py', str(run.config), *seed, *rest]


def test_command(run: PlannedRun, checkpoint: Path, scores: Path) -> list[str]:
    """Script and arguments that write the scores of a checkpoint."""
    return [
        *('test.py', str(run.config), str(checkpoint), '--dump', str(scores)),
        *('--work-dir', str(run.folder / 'test'), '--cfg-options', *options_of_run(run)),
    ]


def describe_run(run: PlannedRun, amp: bool) -> dict[str, Any]:
    """What makes a run, for its record."""
    script, config, *rest = train_command(run, amp)
    path = Path(config)
    if path.resolve().is_relative_to(ROOT):  # the command as it is called from there
        path = path.resolve().relative_to(ROOT)
    return {
        **run.experiment._asdict(),
        'fold': run.fold,
        'options': options_of_run(run),
        'amp': amp,
        'settings': _digest(run),
        'command': shlex.join([*call_of(script), str(path), *rest]),
    }


def is_finished(run: PlannedRun, amp: bool) -> bool:
    """Whether a run was carried out.

    Raises:
        InputError: If its folder has a run of other settings.
    """
    record = read_record(run.folder)
    if record is None:
        return False
    wanted = describe_run(run, amp)
    for key in ('options', 'amp', 'settings'):
        if record.get(key) != wanted[key]:
            difference = f'{record.get(key)}, not {wanted[key]}'
            if key == 'options':
                before, now = set(record.get(key, [])), set(wanted[key])
                difference = ', '.join([*sorted(before - now), '- not -', *sorted(now - before)])
            raise InputError(
                f'{run.folder} has a run of other settings: {key} {difference}; give another '
                '--work-dir'
            )
    return bool(record.get('finished'))


def read_record(folder: Path) -> dict[str, Any] | None:
    """Read what is known of the run in a folder; None if there is none."""
    path = folder / RECORD
    if not path.exists():
        return None
    record = load_json(path)
    if not isinstance(record, dict) or not isinstance(record.get('attempts'), list):
        raise InputError(f'{path} is no record of a run')
    return record


def find_checkpoint(folder: Path, name: str) -> tuple[Path, int]:
    """The last or the best checkpoint of a run, and its epoch."""
    pattern = re.compile(r'epoch_(\d+)' if name == 'last' else r'best_.*_(\d+)')
    matches = [(pattern.fullmatch(path.stem), path) for path in folder.glob('*.pth')]
    found = [(int(match[1]), path) for match, path in matches if match]
    if not found:
        raise InputError(f'there is no {name} checkpoint in {folder}')
    epoch, path = max(found)
    return path, epoch


def options_of_run(run: PlannedRun) -> list[str]:
    """The ``--cfg-options`` of a run, ``KEY=VALUE`` each."""

    def literal(value: Any) -> str:
        if isinstance(value, list | tuple):
            return f'[{",".join(map(literal, value))}]'
        return str(value)

    return [f'{key}={literal(value)}' for key, value in run.options.items()]


def _digest(run: PlannedRun) -> str:
    """Of the whole config, so that a config file that was changed since is noticed."""
    cfg = merge_options(read_config(str(run.config)), dict(run.options))
    text = json.dumps(cfg.to_dict(), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def write_record(folder: Path, record: dict[str, Any]) -> None:
    """Write what is known of the run in a folder."""
    with atomic_path(folder / RECORD) as path:
        path.write_text(json.dumps(record, indent=1) + '\n', encoding='utf-8')
