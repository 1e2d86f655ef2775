"""Running the commands that read score files, in this process."""

import pickle
import runpy
import sys

import numpy as np

from csre_mm.evaluation import Scores
from tests.conftest import ROOT


class Command:
    """Calls a script of tools/ in a folder; returns its exit status."""

    def __init__(self, script, folder, monkeypatch):
        self.script, self.monkeypatch = script, monkeypatch
        monkeypatch.chdir(folder)

    def __call__(self, *arguments):
        self.monkeypatch.setattr(sys, 'argv', [self.script, *map(str, arguments)])
        try:
            runpy.run_path(str(ROOT / 'tools' / self.script), run_name='__main__')
        except SystemExit as end:
            return end.code or 0
        return 0


def captured(command, capsys):
    """Calls a command; returns its status, what it printed, and the lines of its errors."""

    def run(*arguments):
        capsys.readouterr()
        status = command(*arguments)
        found = capsys.readouterr()
        return status, found.out, found.err.splitlines()

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
