"""Everything that is said about two models, gathered, and as JSON."""

from collections.abc import Sequence
from statistics import fmean
from typing import Any, NamedTuple

from csre_mm.evaluation.comparison import (
    ClassChange,
    Comparison,
    Flip,
    PairChange,
    class_changes,
    flips,
    pair_changes,
)
from csre_mm.evaluation.significance import (
    CONFIDENCE,
    RESAMPLES,
    Difference,
    measure_difference,
    say_verdict,
)


class Findings(NamedTuple):
    """What changed.

    Attributes:
        comparison: The predictions.
        difference: Of the top-1 accuracies.
        mean_class: Mean class accuracy before and after, means over the seeds.
        classes: Every class that occurs.
        pairs: Every pair of classes that is confused.
        gained: Samples that more runs have right after than before.
        lost: Samples that fewer runs have right.
    """

    comparison: Comparison
    difference: Difference
    mean_class: tuple[float, float]
    classes: list[ClassChange]
    pairs: list[PairChange]
    gained: list[Flip]
    lost: list[Flip]


def find_changes(comparison: Comparison) -> Findings:
    """Gather the numbers."""
    classes = class_changes(comparison)
    mean_class = fmean(c.before for c in classes), fmean(c.after for c in classes)
    pairs = pair_changes(comparison, comparison.num_classes**2)
    difference = measure_difference(comparison)
    return Findings(comparison, difference, mean_class, classes, pairs, *flips(comparison))


def make_report(
    found: Findings, class_names: Sequence[str], models: tuple[str, str]
) -> dict[str, Any]:
    """What goes into a JSON file. Shares are from 0 to 1, pairs count samples.

    Args:
        found: The numbers.
        class_names: Names of the classes.
        models: Names of the two models.
    """
    difference = found.difference
    return {
        'models': list(models),
        'samples': len(found.comparison.names),
        'seeds': len(difference.before),
        'class_names': list(class_names),
        'top1': {
            'before': list(difference.before),
            'after': list(difference.after),
            'mean_difference': difference.mean,
            'standard_deviation': difference.deviation,
            'interval': {
                **difference.interval._asdict(),
                'confidence': CONFIDENCE,
                'resamples': RESAMPLES,
            },
            'mcnemar': [test._asdict() for test in difference.tests],
            'verdict': say_verdict(difference, *models),
        },
        'mean_class_accuracy': dict(zip(('before', 'after'), found.mean_class, strict=True)),
        'classes': [{**change._asdict(), 'gain': change.gain} for change in found.classes],
        'pairs': [pair._asdict() for pair in found.pairs],
        'gained': [flip._asdict() for flip in found.gained],
        'lost': [flip._asdict() for flip in found.lost],
    }
