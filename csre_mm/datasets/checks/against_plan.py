"""Annotations against what a config expects of them."""

from collections.abc import Iterator, Sequence

from csre_mm.datasets.checks.consistency import is_spatial, majority
from csre_mm.datasets.checks.finding import Finding
from csre_mm.datasets.checks.plan import TrainingPlan
from csre_mm.datasets.checks.samples import PIXELS, SampleFacts


def check_plan(samples: Sequence[SampleFacts], plan: TrainingPlan) -> Iterator[Finding]:
    """Look at the samples that a config uses.

    Args:
        samples: Those of its splits.
        plan: What it expects.
    """
    yield from _check_labels(samples, plan)
    yield from _check_persons(samples, plan)
    shaped = [sample for sample in samples if sample.shape]
    if not shaped:
        return
    joints = majority([sample.shape and sample.shape[2] for sample in shaped])
    for key, expected in plan.num_joints.items():
        if joints != expected:
            yield Finding(
                'error', 'config', None, 'keypoint', f'has {joints} joints', f'{expected}, by {key}'
            )
    yield from _check_channels(shaped, plan)


def _check_labels(samples: Sequence[SampleFacts], plan: TrainingPlan) -> Iterator[Finding]:
    if plan.num_classes is None:
        return
    for sample in samples:
        if sample.label is not None and sample.label >= plan.num_classes:
            expected = f'0 to {plan.num_classes - 1}, by model.cls_head.num_classes'
            yield Finding('error', 'labels', sample.name, 'label', f'is {sample.label}', expected)


def _check_persons(samples: Sequence[SampleFacts], plan: TrainingPlan) -> Iterator[Finding]:
    if plan.num_person is None:
        return
    if plan.backbone_num_person not in (None, plan.num_person):
        found = f'is {plan.backbone_num_person}'
        expected = f'the num_person={plan.num_person} of FormatGCNInput'
        yield Finding('error', 'config', None, 'model.backbone.num_person', found, expected)
    for sample in samples:
        if sample.shape and sample.shape[0] > plan.num_person:
            found = f'has {sample.shape[0]} persons'
            expected = f'at most {plan.num_person}, FormatGCNInput drops the others'
            yield Finding('warning', 'persons', sample.name, 'keypoint', found, expected)


def _check_channels(samples: Sequence[SampleFacts], plan: TrainingPlan) -> Iterator[Finding]:
    """Channels, and what must not be done with scores and pixels.

    Args:
        samples: Those with a skeleton.
        plan: What the config expects.
    """
    scored = majority([sample.has_score for sample in samples])
    own = majority([sample.shape and sample.shape[3] for sample in samples])
    channels = (int(str(own)) + bool(scored)) * plan.num_features
    if plan.in_channels not in (None, channels):
        beside = ' with keypoint_score' if scored else ''
        expected = f'{plan.in_channels}, by model.backbone.in_channels'
        yield Finding(
            'error', 'config', None, 'keypoint', f'has {channels} channels{beside}', expected
        )
    spatial = majority([is_spatial(sample) for sample in samples])
    key = 'model.data_preprocessor.rotation'
    if plan.rotation and not spatial:
        yield Finding('error', 'config', None, key, f'is {plan.rotation}', '0 without a third axis')
    large = majority([sample.extent > PIXELS for sample in samples])
    if large and not spatial and not plan.normalizes:
        found, expected = 'looks like pixels', 'PreNormalize2D in the pipeline'
        yield Finding('warning', 'units', None, 'keypoint', found, expected)
