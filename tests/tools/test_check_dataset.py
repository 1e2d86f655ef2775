import os
import pickle

import numpy as np
import pytest

from csre_mm.datasets.annotations import load_annotations
from tests.commands import Command, captured
from tests.conftest import config


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    command = captured(Command('data/check_dataset.py', tmp_path, monkeypatch), capsys)

    def run(*arguments):
        status, out, err = command(*arguments)
        return status, out.splitlines(), err.splitlines()

    return run


def edited(source, edit):
    """A copy of an annotation file with changes; ``save_annotations`` would refuse some."""
    data = load_annotations(source)
    edit(data)
    with open('edited.pkl', 'wb') as file:
        pickle.dump(data, file)
    return 'edited.pkl'


def test_a_clean_file_ends_with_counts(run, ntu_file):
    status, out, err = run(ntu_file)
    assert (status, err) == (0, [])
    assert out == [
        '48 samples',
        'persons: 1 to 2; frames: 21 to 39; joints: 25; channels: 3',
        'xsub_train: 24 samples, 3 classes, 8 samples each',
        'xsub_val: 24 samples, 3 classes, 8 samples each',
        'compared: xsub_train with xsub_val',
        f'{ntu_file}: nothing found',
    ]


def test_findings_are_grouped_errors_first_and_end_with_status_2(run, ntu_file):
    def edit(data):
        samples = data['annotations']
        samples[0]['keypoint'] = np.repeat(samples[0]['keypoint'][:, :1], 20, axis=1)
        samples[0]['total_frames'] = 20
        for sample in samples[1:5]:
            sample['keypoint'][0, 2, 3, 1] = np.nan
        samples[9]['label'] = 'x'

    path = edited(ntu_file, edit)
    status, out, err = run(path, '--max-findings', 2)
    assert status == 2
    assert err == ['check_dataset.py: error: edited.pkl: errors: 5, warnings: 1']
    expected = 'expected finite float32 numbers'
    assert out[:8] == [
        'error: not finite (4)',
        f"  sample 'xsub_train_001': keypoint is nan at [0, 2, 3, 1], {expected}",
        f"  sample 'xsub_train_002': keypoint is nan at [0, 2, 3, 1], {expected}",
        '  ... and 2 more',
        'error: structure (1)',
        "  sample 'xsub_train_009': label is 'x', expected an integer from 0",
        'warning: constant (1)',
        "  sample 'xsub_train_000': keypoint is the same in all 20 frames, expected a body that "
        'moves',
    ]
    assert out[8] == '48 samples'
    assert sum('nan' in line for line in run(path)[1]) == 4


def test_with_a_config(run, ntu_file):
    status, out, err = run(ntu_file, '--config', config('csre_ctrgcn_ntu60'))
    assert status == 2 and out[:2] == [
        'warning: classes (1)',
        "  split 'xsub_train' has no sample of 57 classes: 3, 4, 5, 6, 7, ..., 59, expected "
        'samples of each class',
    ]
    assert err == [f'check_dataset.py: {ntu_file}: errors: 0, warnings: 1']
    arguments = [ntu_file, '--config', config('csre_ctrgcn_ntu60'), '--cfg-options']
    assert run(*arguments, 'model.cls_head.num_classes=3')[0] == 0
    status, out, _ = run(
        *arguments, 'model.cls_head.num_classes=3', 'test_dataloader.dataset.split=xview_val'
    )
    assert status == 2
    assert out[:2] == [
        'error: splits (1)',
        "  split 'xview_val' is missing, expected one of xsub_train, xsub_val",
    ]


class Malicious:
    def __reduce__(self):
        return os.system, ('touch ran',)


@pytest.mark.parametrize(
    'arguments, part',
    [
        (['none.pkl'], 'none.pkl: no such file'),
        (['text.pkl'], 'text.pkl: not an annotation pickle'),
        (['evil.pkl'], "evil.pkl: refused: the pickle asks for '"),
        (['evil.pkl', '--config', 'none.py'], 'no such config: none.py'),
        (['evil.pkl', '--max-findings', '0'], 'expected at least 1'),
        (['evil.pkl', '--cfg-options', 'a=1'], 'it needs --config'),
    ],
)
def test_bad_input_is_one_line_and_status_2(run, tmp_path, arguments, part):
    (tmp_path / 'text.pkl').write_text('text')
    (tmp_path / 'evil.pkl').write_bytes(pickle.dumps(Malicious()))
    status, out, err = run(*arguments)
    assert status == 2 and out == []
    assert part in err[-1] and err[-1].startswith('check_dataset.py: error: ')
    assert not (tmp_path / 'ran').exists()


def test_help_has_an_example(run):
    status, out, _ = run('--help')
    assert status == 0
    assert any(line.strip().startswith('python tools/data/check_dataset.py') for line in out)
