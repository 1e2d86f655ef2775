"""Checks of an annotation file against the config that will use it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from csre_mm.datasets.checks.samples import Finding, SampleFacts, majority
from csre_mm.datasets.input_shape import (
    NO_RECOGNIZER,
    NORMALIZING,
    InputShape,
    positive_integer,
    read_input_shape,
)
from csre_mm.datasets.valid_joints import PIXELS
from csre_mm.utils.config import innermost_datasets, pipeline_of
from csre_mm.utils.errors import as_input_error

Node = Mapping[str, Any]


@dataclass(frozen=True)
class TrainingPlan:
    """What a config expects of the annotations that it trains and tests with; None is left open."""

    train: tuple[str | None, ...]  # splits; None is the whole file
    test: tuple[str | None, ...]
    shape: InputShape  # of the training data
    num_classes: int | None = None
    backbone_num_person: int | None = None  # of the encoder
    rotation: float = 0.0  # the largest of the preprocessor, in radians
    normalizes: bool = False  # whether the pipeline normalises coordinates


@as_input_error(NO_RECOGNIZER)
def read_plan(cfg: Node) -> TrainingPlan:
    """Read the plan of a config; an ``InputError`` if it is not one of a skeleton recognizer."""
    train, test = (
        tuple(dict.fromkeys(dataset.get('split') for _, dataset in innermost_datasets(cfg, loader)))
        for loader in ('train_dataloader', 'test_dataloader')
    )
    model = cfg.get('model') or {}
    backbone, head = model.get('backbone') or {}, model.get('cls_head') or {}
    return TrainingPlan(
        train,
        test,
        num_classes=positive_integer(head, 'num_classes', None, 'model.cls_head'),
        shape=read_input_shape(cfg, training=True),
        backbone_num_person=positive_integer(backbone, 'num_person', None, 'model.backbone'),
        rotation=(model.get('data_preprocessor') or {}).get('rotation', 0.0),
        normalizes=any(step['type'] in NORMALIZING for step in pipeline_of(cfg, training=True)),
    )


def check_plan(samples: Sequence[SampleFacts], plan: TrainingPlan) -> Iterator[Finding]:
    """Check the samples of the splits of a config."""
    if plan.num_classes is not None:
        expected = f'0 to {plan.num_classes - 1}, by model.cls_head.num_classes'
        for sample in samples:
            if sample.label is not None and sample.label >= plan.num_classes:
                found = f'is {sample.label}'
                yield Finding('error', 'labels', sample.name, 'label', found, expected)
    shaped = [sample for sample in samples if sample.shape]
    if shaped:
        yield from _check_persons(shaped, plan)
        yield from _check_keypoints(shaped, plan)


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


def _check_keypoints(samples: Sequence[SampleFacts], plan: TrainingPlan) -> Iterator[Finding]:
    """Joints and channels, and transforms that do not suit pixels or scores."""
    joints, coordinates = majority([sample.shape[2:] for sample in samples if sample.shape])
    for key, expected in plan.shape.joints.items():
        if joints != expected:
            found, wanted = f'has {joints} joints', f'{expected}, by {key}'
            yield Finding('error', 'config', None, 'keypoint', found, wanted)
    has_score = majority([sample.has_score for sample in samples])
    channels = (coordinates + has_score) * plan.shape.features
    if not plan.shape.heatmaps and plan.shape.channels not in (None, channels):
        found = f'has {channels} channels' + (' with keypoint_score' if has_score else '')
        wanted = f'{plan.shape.channels}, by model.backbone.in_channels'
        yield Finding('error', 'config', None, 'keypoint', found, wanted)
    if plan.shape.heatmaps and plan.shape.coordinates != coordinates:
        transform = 'with' if plan.shape.coordinates == 3 else 'without'
        wanted = f'{plan.shape.coordinates}, {transform} ProjectToImage in the pipeline'
        yield Finding('error', 'config', None, 'keypoint', f'has {coordinates} coordinates', wanted)
    spatial = majority([sample.is_spatial for sample in samples])
    if plan.shape.pixels and (spatial or majority([sample.extent <= PIXELS for sample in samples])):
        found = 'has three coordinates' if spatial else 'looks like metres, or a normalised image'
        wanted = 'pixels, by PreNormalize2D in the pipeline (data.planar)'
        yield Finding('error', 'config', None, 'keypoint', found, wanted)
    if spatial:
        return
    if plan.rotation:
        key, found = 'model.data_preprocessor.rotation', f'is {plan.rotation}'
        yield Finding('error', 'config', None, key, found, '0 without a third axis')
    if not plan.normalizes and majority([sample.extent > PIXELS for sample in samples]):
        found, wanted = 'looks like pixels', 'PreNormalize2D in the pipeline'
        yield Finding('warning', 'units', None, 'keypoint', found, wanted)
