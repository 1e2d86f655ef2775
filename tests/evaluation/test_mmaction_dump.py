"""Dumps of mmengine's DumpResults, which mmaction2's own tools/test.py --dump writes."""

import json

import mmaction.structures
import numpy as np
import pytest
import torch
from mmaction.registry import METRICS

from csre_mm.evaluation import load_scores
from csre_mm.utils.errors import InputError
from tests.commands import captured, run_tool

LABELS = [0, 1, 2, 0, 1, 2]


def dump(path, predictions, names=None, dtype=torch.float32, labels=LABELS):
    """Write a dump of three classes in two batches, as the test loop does."""
    metric = METRICS.build(dict(type='DumpResults', out_file_path=str(path)))
    scores = torch.full((len(labels), 3), 0.25)
    scores[range(len(labels)), predictions] = 0.5
    samples = []
    for place, (label, row) in enumerate(zip(labels, scores.to(dtype), strict=True)):
        sample = mmaction.structures.ActionDataSample(metainfo=dict(img_shape=(1080, 1920)))
        if names is not None and names[place] is not None:
            sample.set_metainfo(dict(frame_dir=names[place]))
        sample.set_gt_label(label).set_pred_score(row).set_pred_label(row.argmax(keepdim=True))
        samples.append(sample.to_dict())
    metric.process(None, samples[:4])
    metric.process(None, samples[4:])
    metric.evaluate(len(labels))
    return path


@pytest.mark.parametrize('dtype', [torch.float32, torch.float16, torch.bfloat16, torch.float64])
def test_names_labels_and_scores(tmp_path, dtype):
    names, labels, scores = load_scores(dump(tmp_path / 'a.pkl', LABELS, 'abcdef', dtype))
    assert names == list('abcdef')
    assert labels.dtype == np.int64 and labels.tolist() == LABELS
    assert scores.dtype == np.float32
    np.testing.assert_array_equal(scores, 0.25 + 0.25 * np.eye(3)[LABELS])


COMMANDS = {
    'ensemble.py': ['a=a.pkl', 'b=b.pkl'],
    'analysis/compare.py': ['a.pkl', 'b.pkl'],
    'analysis/confusion.py': ['a=a.pkl', 'b=b.pkl'],
}


@pytest.mark.parametrize('names', ['abcdef', None])
def test_the_commands_read_them(tmp_path, monkeypatch, capsys, names):
    monkeypatch.chdir(tmp_path)
    dump(tmp_path / 'a.pkl', LABELS, names)
    dump(tmp_path / 'b.pkl', [0, 1, 2, 1, 1, 2], names)
    capsys.readouterr()  # what mmengine logged when it wrote them
    for script, arguments in COMMANDS.items():
        assert run_tool(script, *arguments, '--json', 'found.json') == 0
        assert capsys.readouterr().err == ''
        numbers = json.loads((tmp_path / 'found.json').read_text())
        assert '0.8333333' in json.dumps(numbers)  # 5 of 6


def test_a_dump_and_a_dump_of_csre_mm_are_joined(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    dump(tmp_path / 'a.pkl', LABELS, 'abcdef')
    capsys.readouterr()
    assert run_tool('ensemble.py', 'a=a.pkl', '--out', 'ours.pkl') == 0
    assert run_tool('ensemble.py', 'a=a.pkl', 'ours=ours.pkl') == 0
    assert capsys.readouterr().err == ''


@pytest.mark.parametrize('script', COMMANDS)
@pytest.mark.parametrize(
    ('other', 'message'),
    [
        (dict(names='abcdef'), 'lacks samples that'),
        (dict(labels=LABELS[:5], predictions=LABELS[:5]), 'lacks samples that'),
        (dict(labels=LABELS[::-1]), 'have different labels for 0, 2, 3, 5'),
    ],
)
def test_positions_that_do_not_fit(tmp_path, monkeypatch, capsys, script, other, message):
    monkeypatch.chdir(tmp_path)
    dump(tmp_path / 'a.pkl', LABELS)
    dump(tmp_path / 'b.pkl', **dict(predictions=LABELS) | other)
    status, _, error = captured(lambda *given: run_tool(script, *given), capsys)(*COMMANDS[script])
    assert status == 2 and len(error.splitlines()) == 1
    assert message in error
    assert 'no frame_dir' in error and 'meta_keys of PackActionInputs' in error


def test_some_samples_without_a_name(tmp_path):
    path = dump(tmp_path / 'a.pkl', LABELS, ['a', None, 'c', 'd', None, 'f'])
    with pytest.raises(InputError, match=r'a.pkl: 2 of 6 samples have no frame_dir, the first at'):
        load_scores(path)


def test_several_labels_are_refused(tmp_path):
    path = dump(tmp_path / 'a.pkl', LABELS, labels=[[0, 1]] * 6)
    with pytest.raises(InputError, match=r'not a file of scores by tools/test\.py --dump'):
        load_scores(path)
