"""What a config makes of an annotation file."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from csre_mm.datasets.checks.samples import PIXELS, Finding, SampleFacts, is_spatial, majority
from csre_mm.datasets.input_shape import (
    InputShape,
    config_errors,
    positive_integer,
    read_input_shape,
)
from csre_mm.utils.config import innermost_datasets, pipeline_of

Node = Mapping[str, Any]


@dataclass(frozen=True)
class TrainingPlan:
    """What a config expects of the annotations that it trains and tests with.

    Attributes:
        train: Splits that train; None among them stands for the whole file.
        test: Splits that test.
        shape: Of the training data.
        num_classes: Classes of the classifier; None if the config does not say.
        backbone_num_person: Persons of the encoder, if the config says it.
        strict_positives: Samples of a class that give K+ slots if the gate of the contrast is
            strict, else 1.
        rotation: Of the preprocessor, in radians.
        normalizes: Whether the pipeline brings coordinates to a range.
    """

    train: tuple[str | None, ...]
    test: tuple[str | None, ...]
    shape: InputShape
    num_classes: int | None = None
    backbone_num_person: int | None = None
    strict_positives: int = 1
    rotation: float = 0.0
    normalizes: bool = False


@config_errors()
def read_plan(cfg: Node) -> TrainingPlan:
    """Read the plan of a config.

    Raises:
        InputError: If the config does not train and test, a layout in it is none, or it is not
            made as configs are.
    """
    train, test = (
        tuple(dict.fromkeys(dataset.get('split') for _, dataset in innermost_datasets(cfg, loader)))
        for loader in ('train_dataloader', 'test_dataloader')
    )
    model = cfg.get('model') or {}
    backbone, head = model.get('backbone') or {}, model.get('cls_head') or {}
    dataset = cfg['train_dataloader']['dataset']
    repeats = dataset.get('times', 1) if dataset.get('type') == 'SlotPerRepeatDataset' else 1
    normalizing = {'PreNormalize2D', 'NormalizeRange'}
    return TrainingPlan(
        train,
        test,
        num_classes=positive_integer(head, 'num_classes', None, 'model.cls_head'),
        shape=read_input_shape(cfg, training=True),
        backbone_num_person=positive_integer(backbone, 'num_person', None, 'model.backbone'),
        strict_positives=-(-_strict_positives(model.get('neck') or {}) // repeats),
        rotation=(model.get('data_preprocessor') or {}).get('rotation', 0.0),
        normalizes=any(step['type'] in normalizing for step in pipeline_of(cfg, training=True)),
    )


def _strict_positives(neck: Node) -> int:
    """The largest K+ of the contrasts whose gate is strict; 1 if none is."""
    found = [1]
    for part in ('loss_spatial', 'loss_temporal'):
        loss = {**(neck.get('loss') or {}), **(neck.get(part) or {})}
        if neck.get('type') == 'CSRENeck' and loss.get('gate') == 'strict':
            found.append(positive_integer(loss, 'num_positives', 128, f'model.neck.{part}') or 1)
    return max(found)


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
    for key, expected in plan.shape.joints.items():
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
    most = plan.shape.persons
    if most is None:
        return
    if plan.backbone_num_person not in (None, most):
        found = f'is {plan.backbone_num_person}'
        expected = f'the num_person={most} of FormatGCNInput'
        yield Finding('error', 'config', None, 'model.backbone.num_person', found, expected)
    for sample in samples:
        if sample.shape and sample.shape[0] > most:
            found = f'has {sample.shape[0]} persons'
            expected = f'at most {most}, FormatGCNInput drops the others'
            yield Finding('warning', 'persons', sample.name, 'keypoint', found, expected)


def _check_channels(samples: Sequence[SampleFacts], plan: TrainingPlan) -> Iterator[Finding]:
    """Channels, and what must not be done with scores and pixels.

    Args:
        samples: Those with a skeleton.
        plan: What the config expects.
    """
    scored = majority([sample.has_score for sample in samples])
    own = majority([sample.shape and sample.shape[3] for sample in samples])
    channels = (int(str(own)) + bool(scored)) * plan.shape.features
    taken = None if plan.shape.heatmaps else plan.shape.channels
    if taken not in (None, channels):
        beside = ' with keypoint_score' if scored else ''
        expected = f'{taken}, by model.backbone.in_channels'
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
