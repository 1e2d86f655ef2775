"""Annotations without a fault, and the findings of the checks."""

import numpy as np

from csre_mm.datasets.checks import TrainingPlan, check_dataset
from csre_mm.datasets.input_shape import InputShape

PLAN = TrainingPlan(
    ('train',), ('test',), InputShape(joints={'layout': 5}, channels=3, persons=2), num_classes=2
)


def make_data(channels=3, scale=1.0, scores=False):
    """Eight clean samples of two classes, 1 to 2 persons of 5 joints, about 1.5 m high."""
    generator = np.random.default_rng(0)
    annotations = []
    for index in range(8):
        shape = (1 + index % 2, 4 + index, 5, channels)
        keypoint = (generator.uniform(0, 1.5, shape) * scale).astype(np.float32)
        annotation = dict(frame_dir=f's{index}', label=index % 2, total_frames=shape[1])
        annotation['keypoint'] = keypoint
        if scores:
            annotation['keypoint_score'] = generator.uniform(0, 1, shape[:3]).astype(np.float32)
        annotations.append(annotation)
    names = [annotation['frame_dir'] for annotation in annotations]
    return dict(split=dict(train=names[:4], test=names[4:]), annotations=annotations)


def check(data, plan=None):
    return [
        (finding.severity, finding.kind, finding.sample, str(finding))
        for finding in check_dataset(data, plan).findings
    ]


def assert_found(data, *expected, plan=None):
    """Exactly these are found: severity, kind, sample and a part of the line."""
    found = check(data, plan)
    assert [one[:3] for one in found] == [one[:3] for one in expected], found
    for (*_, line), (*_, part) in zip(found, expected, strict=True):
        assert part in line and len(line.splitlines()) == 1
