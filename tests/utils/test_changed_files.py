"""A sample of changed files for each reader that has none elsewhere: read, or refused in a line."""

import io
import json
import zipfile

import numpy as np
import pytest
import torch

from csre_mm.apis.publishing import read_config_inside
from csre_mm.apis.recordings import find_recordings
from csre_mm.evaluation.training_log import read_run
from csre_mm.experiments.results import load_results, save_results
from csre_mm.experiments.summary import summarise
from csre_mm.utils.checkpoints import load_checkpoint_file
from csre_mm.utils.errors import InputError
from tests.datasets.test_mutations import bounded
from tests.experiments.made_results import make_results
from tests.utils.test_checkpoints import make_content

CONFIG = b"""model = dict(type='RecognizerGCN', backbone=dict(type='STGCN'), cls_head=dict(
    type='GCNHead', num_classes=60))\ntest_dataloader = dict(batch_size=2)\n"""
VALUES = (None, True, -1, 10**30, 1e999, '', 'x' * 9999, [], {}, {'a': 1}, [None], 3.5, 10**400)


def array(folder):
    file = io.BytesIO()
    np.save(file, np.ones((1, 3, 25, 3), np.float32))
    return file.getvalue()


def checkpoint(folder, **options):
    torch.save(make_content(), folder / 'good.pth', **options)
    return (folder / 'good.pth').read_bytes()


def old_checkpoint(folder):
    return checkpoint(folder, _use_new_zipfile_serialization=False)


def results(folder):
    save_results(make_results(), folder / 'good.json')
    return (folder / 'good.json').read_bytes()


def log(folder):
    lines = [json.dumps(dict(loss=1.0, iter=i, epoch=1, step=i)) for i in range(1, 5)]
    return '\n'.join(lines).encode()


def read_text_as_config(path):
    read_config_inside({'meta': {'cfg': path.read_text('latin1')}}, path)


READERS = {
    'x.npy': (array, lambda path: list(find_recordings(path))),
    'x.pth': (checkpoint, load_checkpoint_file),
    'old.pth': (old_checkpoint, load_checkpoint_file),
    'x.json': (results, lambda path: summarise(load_results(path))),
    'scalars.json': (log, read_run),
    'config.py': (lambda folder: CONFIG, read_text_as_config),
}


def change(data, rng):
    """Change bytes, cut, move a piece, or put a large number in the place of a digit."""
    content, kind = bytearray(data), rng.integers(4)
    start, place = rng.integers(len(content), size=2)
    if kind == 0:
        content[place] = rng.integers(256)
    elif kind == 1:
        del content[place:]
    elif kind == 2:
        content[place:place] = content[start : start + 40]
    else:
        digits = [i for i, byte in enumerate(content) if chr(byte).isdigit()] or [place]
        content[digits[start % len(digits)]] = ord('-')
        content[place:place] = b'9' * 5000
    return bytes(content)


def read(path, reader):
    with bounded():
        try:
            reader(path)
        except InputError as error:
            assert len(str(error).splitlines()) == 1 and len(str(error)) < 900
            return 'refused'
    return 'read'


@pytest.mark.parametrize('name', READERS)
def test_changed_bytes(tmp_path, name):
    make, reader = READERS[name]
    path, good = tmp_path / name, make(tmp_path)
    path.write_bytes(good)
    assert read(path, reader) == 'read'
    outcomes = []
    for seed in range(40):
        path.write_bytes(change(good, np.random.default_rng(seed)))
        outcomes.append(read(path, reader))
    assert outcomes.count('refused') >= 10


def test_a_changed_pickle_with_the_right_checksum(tmp_path):
    path, good = tmp_path / 'x.pth', checkpoint(tmp_path)
    for seed in range(60):
        with zipfile.ZipFile(io.BytesIO(good)) as old, zipfile.ZipFile(path, 'w') as new:
            for name in old.namelist():
                data = old.read(name)
                rng = np.random.default_rng(seed)
                new.writestr(name, change(data, rng) if name.endswith('data.pkl') else data)
        read(path, load_checkpoint_file)


def places(value):
    """Every container in a value, with each of its keys."""
    if not isinstance(value, dict | list):
        return
    for key, inner in list(value.items() if isinstance(value, dict) else enumerate(value)):
        yield value, key
        yield from places(inner)


def test_changed_values_of_results(tmp_path):
    path, good = tmp_path / 'x.json', results(tmp_path)
    outcomes = []
    for seed in range(150):
        rng, data = np.random.default_rng(seed), json.loads(good)
        found = list(places(data))
        holder, key = found[rng.integers(len(found))]
        holder[key] = VALUES[rng.integers(len(VALUES))]
        path.write_text(json.dumps(data))
        outcomes.append(read(path, lambda path: summarise(load_results(path))))
    assert outcomes.count('refused') >= 60
