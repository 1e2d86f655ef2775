from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config

from csre_mm.datasets.checks import check_dataset, read_plan
from csre_mm.datasets.preparation.nw_ucla import build_nw_ucla
from csre_mm.datasets.preparation.raw_files import find_raw_files
from tests.checked_data import PLAN, assert_found, check, make_data
from tests.conftest import config

DATA = Path(__file__).parents[3] / 'shared/data/nw-ucla'


@pytest.mark.parametrize('plan', [None, PLAN])
@pytest.mark.parametrize('channels, scores', [(3, False), (2, True)])
def test_clean_data_has_no_findings(plan, channels, scores):
    assert check(make_data(channels, scores=scores), plan) == []


@pytest.mark.parametrize('dtype', ['float16', 'float64'])
def test_any_float_is_clean(dtype):
    data = make_data()
    for annotation in data['annotations']:
        annotation['keypoint'] = annotation['keypoint'].astype(dtype)
    assert check(data) == []


def edited(edit, **options):
    data = make_data(**options)
    edit(data['annotations'])
    return data


def set_keypoint(index, value, where=...):
    def edit(annotations):
        annotations[index]['keypoint'] = annotations[index]['keypoint'].copy()
        annotations[index]['keypoint'][where] = value

    return edit


def replace_keypoint(index, function):
    def edit(annotations):
        annotations[index]['keypoint'] = function(annotations[index]['keypoint'])

    return edit


@pytest.mark.parametrize(
    'edit, expected',
    [
        (lambda a: a.append(3), ('error', 'structure', 8, 'annotation is a int, expected a dict')),
        (lambda a: a[2].pop('label'), ('error', 'structure', 's2', 'label is missing, expected')),
        (lambda a: a[2].update(label='x'), ('error', 'structure', 's2', "label is 'x', expected")),
        (lambda a: a[2].update(label=-1), ('error', 'structure', 's2', 'label is -1, expected')),
        (
            lambda a: a[2].update(total_frames=7),
            ('error', 'structure', 's2', "total_frames is 7, expected keypoint's 6 frames"),
        ),
        (
            replace_keypoint(2, lambda x: x[0]),
            ('error', 'structure', 's2', 'keypoint is float32 (6, 5, 3), expected an array of num'),
        ),
        (
            replace_keypoint(2, lambda x: x.astype(str)),
            ('error', 'structure', 's2', 'keypoint is <U32 (1, 6, 5, 3), expected'),
        ),
        (
            replace_keypoint(2, lambda x: x[:0]),
            ('error', 'structure', 's2', 'keypoint has the shape (0, 6, 5, 3), expected a person'),
        ),
        (
            set_keypoint(2, np.nan, (0, 3, 1, 2)),
            ('error', 'not finite', 's2', 'keypoint is nan at [0, 3, 1, 2], expected finite'),
        ),
        (
            set_keypoint(2, -np.inf, (0, 3)),
            ('error', 'not finite', 's2', 'is -inf at [0, 3, 0, 0] and 14 more numbers'),
        ),
        (
            set_keypoint(2, 3e38, (0, 3, 1, 2)),
            ('error', 'too large', 's2', 'is 3e+38 at [0, 3, 1, 2], expected numbers to 1e+06'),
        ),
        (
            set_keypoint(2, -9e18, (0, 3)),
            ('error', 'too large', 's2', 'is -9e+18 at [0, 3, 0, 0] and 14 more numbers'),
        ),
        (
            set_keypoint(2, 0),
            ('error', 'empty', 's2', 'keypoint is zero throughout, expected coordinates'),
        ),
        (
            replace_keypoint(2, lambda x: np.repeat(x[:, :1], 6, axis=1)),
            ('warning', 'constant', 's2', 'keypoint is the same in all 6 frames, expected'),
        ),
        (
            replace_keypoint(2, lambda x: np.repeat(x[:, :, :1], 5, axis=2)),
            ('warning', 'constant', 's2', 'keypoint has all 5 joints at one point, expected'),
        ),
        (
            replace_keypoint(2, lambda x: x[:, :, :4]),
            ('error', 'shape', 's2', 'keypoint has 4 joints, expected 5 as most samples'),
        ),
        (
            replace_keypoint(2, lambda x: x[..., :2]),
            ('error', 'shape', 's2', 'keypoint has 2 channels, expected 3 as most samples'),
        ),
        (
            replace_keypoint(2, lambda x: x.astype(np.float64)),
            ('warning', 'dtype', 's2', 'keypoint is float64, expected float32 as most samples'),
        ),
        (
            replace_keypoint(2, lambda x: x * 1000),
            ('warning', 'units', 's2', 'keypoint spans 1.'),
        ),
    ],
)
def test_one_sample(edit, expected):
    assert_found(edited(edit), expected)


def test_a_finding_is_of_the_sample_and_not_of_the_array():
    """A late body is no empty skeleton, a single frame no constant one."""

    def edit(annotations):
        annotations[1]['keypoint'][0, :3] = 0
        annotations[1]['keypoint'][1] = 0
        annotations[2].update(keypoint=annotations[2]['keypoint'][:, :1], total_frames=1)

    assert check(edited(edit)) == []


def test_numbers_that_float32_cannot_hold():
    data = edited(replace_keypoint(2, lambda x: x.astype(np.float64)))
    data['annotations'][2]['keypoint'][0, 0, 0, 0] = 1e39
    found = check(data)
    assert ('error', 'not finite', 's2') in [one[:3] for one in found]


def test_whole_numbers():
    data = make_data(channels=2, scale=300)
    for annotation in data['annotations']:
        annotation['keypoint'] = annotation['keypoint'].astype(np.int64)
    assert_found(data, ('warning', 'dtype', None, 'of most samples is int64, expected float32'))


@pytest.mark.parametrize(
    'edit, expected',
    [
        (
            lambda a: a[2]['keypoint_score'].__setitem__((0, 1, 2), np.nan),
            ('error', 'not finite', 's2', 'keypoint_score is nan at [0, 1, 2], expected'),
        ),
        (
            lambda a: a[2]['keypoint_score'].__setitem__((0, 1, 2), 3),
            ('warning', 'units', 's2', 'to 3, expected scores from 0 to 1'),
        ),
        (
            lambda a: a[2].pop('keypoint_score'),
            ('error', 'shape', 's2', 'keypoint_score is missing, expected one as in most'),
        ),
        (
            lambda a: a[2].update(keypoint_score=a[2]['keypoint_score'][:, 1:]),
            ('error', 'structure', 's2', 'keypoint_score is float32 (1, 5, 5), expected an array'),
        ),
    ],
)
def test_scores(edit, expected):
    assert_found(edited(edit, channels=2, scores=True), expected)


def test_millimetres():
    assert_found(make_data(scale=1000), ('warning', 'units', None, 'millimetres'))


def test_pixels_with_and_without_scores_are_no_millimetres():
    assert check(make_data(channels=2, scale=500)) == []
    assert check(make_data(channels=2, scale=500, scores=True)) == []
    data = make_data(scale=500)
    for annotation in data['annotations']:
        annotation['keypoint'][..., 2] /= 1000  # scores as a third channel
    assert check(data) == []


def test_an_image_whose_height_and_width_are_swapped():
    def sized(*size):
        def edit(annotations):
            for annotation in annotations:
                annotation['img_shape'] = size
                annotation['keypoint'] *= np.float32([640 / 1.5, 480 / 1.5])

        return edited(edit, channels=2, scores=True)

    assert check(sized(480, 640)) == []
    line = 'of the joints outside of its image of 640 x 480, expected pixels x, y, and img_shape as'
    swapped = [('warning', 'units', f's{index}', line) for index in range(8)]
    assert_found(sized(640, 480), *swapped)


# --- labels and names


def test_labels_that_start_at_1():
    def edit(annotations):
        for annotation in annotations:
            annotation['label'] += 1

    data = edited(edit)
    line = 'label runs from 1 to 2, expected classes that start at 0: subtract 1'
    start = ('warning', 'labels', None, line)
    assert_found(data, start)
    outside = [
        ('error', 'labels', f's{index}', 'label is 2, expected 0 to 1, by model.cls_head.num_')
        for index in (1, 3, 5, 7)
    ]
    missing = ('warning', 'classes', None, "split 'train' has no sample of class 0, expected")
    assert_found(data, start, *outside, missing, plan=PLAN)


def test_a_name_that_comes_twice():
    data = make_data()
    data['annotations'].append(data['annotations'][2] | {'keypoint': np.ones((1, 6, 5, 3))})
    found = check(data)
    assert ('error', 'names', 's2') in [one[:3] for one in found]


# --- counts, and the real data


def test_counts():
    data = make_data()
    data['split']['test'] = ['s4', 's5']
    assert list(check_dataset(data).counts()) == [
        '8 samples',
        'persons: 1 to 2; frames: 4 to 11; joints: 5; channels: 3',
        'train: 4 samples, 2 classes, 2 samples each',
        'test: 2 samples, 2 classes, 1 samples each',
        'in no split: 2 samples, 2 classes, 1 samples each',
        'compared: train with test',
    ]


def test_an_empty_file():
    report = check_dataset(dict(split={}, annotations=[]))
    assert report.findings == [] and list(report.counts()) == ['0 samples']


def test_nw_ucla_has_95_copies_and_nothing_else(tmp_path):
    source = DATA / 'all_sqe.zip'
    if not source.exists():
        pytest.skip(f'no {source}: the real data is not part of the project')
    data = build_nw_ucla(find_raw_files([source], '.json'))
    copies = (DATA / 'test_duplicates_in_train.txt').read_text().split()
    report = check_dataset(data)
    assert {finding.kind for finding in report.findings} == {'copies'}
    assert sorted(finding.sample for finding in report.findings) == sorted(copies)
    assert len(copies) == 95
    cfg = Config.fromfile(config('csre_ctrgcn_nwucla'))
    found = check_dataset(data, read_plan(cfg)).findings
    assert len(found) == 95 and all(finding.severity == 'error' for finding in found)
    cfg.test_dataloader.dataset.split = 'val_clean'
    assert check_dataset(data, read_plan(cfg)).findings == []
