"""Results with known accuracies."""

import numpy as np

from csre_mm.experiments.results import ExperimentResult, Results

LABELS = [0, 1, 2, 0, 1, 2, 0, 1]
NAMES = [f's{i}' for i in range(8)]


def predictions(num_wrong):
    """The labels, the first ``num_wrong`` of them misclassified."""
    labels = np.array(LABELS)
    labels[:num_wrong] = (labels[:num_wrong] + 1) % 3
    return labels.tolist()


def attempt(seconds, commit='c0ffee'):
    return dict(
        started='2026-01-01T00:00:00+00:00', commit=commit, machine='box', jobs=2, seconds=seconds
    )


def experiment(
    variant, seed, wrong_last, wrong_best, *, stream='j', name='hcn_nwucla', seconds=(60.0,)
):
    """A experiment of one run, with wrong predictions of the last and of the best epoch."""
    run = dict(
        fold=None,
        command=f'python tools/train.py configs/{name}.py --seed {seed}',
        attempts=[attempt(s) for s in seconds],
        log={'acc/top1': {'epoch': [1, 2], 'value': [0.5, 0.6]}},
    )
    predicted = {'last': predictions(wrong_last), 'best': predictions(wrong_best)}
    return ExperimentResult(
        name, variant, stream, seed, predicted, {'last': [2], 'best': [1]}, [run]
    )


def make_results(**changes):
    """Three seeds of HCN with and without CSRE, and one of a variant."""
    experiments = [
        *(experiment('baseline', seed, wrong, 1) for seed, wrong in ((0, 2), (1, 4), (2, 3))),
        *(experiment('csre', seed, wrong, 0) for seed, wrong in ((0, 2), (1, 1), (2, 3))),
        experiment('light', 1, 0, 0, seconds=(30.0, None)),
    ]
    fields = dict(
        command='python tools/benchmark_runs.py configs/hcn_nwucla.py --seeds 0 1 2',
        title='HCN, NW-UCLA',
        split='val',
        held_out=False,
        names=NAMES,
        labels=LABELS,
        num_classes=3,
        subsets={'val_clean': NAMES[2:]},
        variants={'baseline': [], 'csre': [], 'light': ['model.neck.loss.loss_weight=0.1']},
        experiments=experiments,
    )
    return Results(**{**fields, **changes})
