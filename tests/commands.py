"""Calling commands in this process, and score files for those that read them."""

import pickle
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

from csre_mm.evaluation import Scores
from tests.conftest import ROOT


def run_script(path, *arguments):
    """Do what ``python PATH ARGUMENTS`` does; returns the exit status."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, 'argv', [str(path), *map(str, arguments)])
        patch.syspath_prepend(str(Path(path).resolve().parent))
        try:
            runpy.run_path(str(path), run_name='__main__')
        except SystemExit as end:
            return end.code or 0
    return 0


def run_tool(script, *arguments):
    """Call a script of tools/; returns its exit status."""
    return run_script(ROOT / 'tools' / script, *arguments)


class Command:
    """Calls one script of tools/ in a folder; returns its exit status."""

    def __init__(self, script, folder, monkeypatch):
        self.script = script
        monkeypatch.chdir(folder)

    def __call__(self, *arguments):
        return run_tool(self.script, *arguments)


def captured(command, capture):
    """Calls a command; returns its status, and what it printed to stdout and to stderr."""

    def run(*arguments):
        capture.readouterr()
        status = command(*arguments)
        return status, *capture.readouterr()

    return run


def scores_of(predictions, labels, classes=4, names=None, seed=0):
    """Probabilities with the highest one at the prediction, and some noise below it."""
    scores = np.random.default_rng(seed).uniform(0, 0.1, (len(labels), classes))
    scores[np.arange(len(labels)), predictions] = 1.0
    scores = (scores / scores.sum(axis=1, keepdims=True)).astype(np.float32)
    names = [f's{i:02d}' for i in range(len(labels))] if names is None else list(names)
    return Scores(names, np.array(labels, np.int64), scores)


def write_dump(path, scores, order=None):
    """Write scores as ``DumpScores`` does, the samples in ``order``."""
    samples = [
        dict(frame_dir=name, gt_label=int(label), pred_label=int(row.argmax()), pred_score=row)
        for name, label, row in zip(*scores, strict=True)
    ]
    samples = samples if order is None else [samples[i] for i in order]
    path.write_bytes(pickle.dumps(samples, protocol=4))
    return path
