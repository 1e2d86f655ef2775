import pickle

import numpy as np
import pytest
from mmaction.datasets.transforms import PackActionInputs
from mmengine.logging import MMLogger

from csre_mm.datasets import SkeletonDataset
from csre_mm.utils.errors import InputError
from tests.conftest import make_annotations


@pytest.fixture
def change(tmp_path):
    """A function: an annotation file, changed."""

    def make(edit):
        path = make_annotations(tmp_path / 'bad.pkl')
        data = pickle.loads(path.read_bytes())
        edit(data)
        path.write_bytes(pickle.dumps(data))
        return str(path)

    return make


def fault(field, value, index=3):
    def edit(data):
        data['annotations'][index][field] = value

    return edit


def number(value, place=...):
    def edit(data):
        data['annotations'][3]['keypoint'][place] = value

    return edit


def members(function):
    def edit(data):
        data['split']['xsub_train'] = function(data['split']['xsub_train'])

    return edit


FAULTS = {
    'text': (fault('label', 'x'), "label is 'x', expected an integer from 0"),
    'large label': (fault('label', 2**70), 'label is 1180591620717411303424'),
    'labels': (fault('label', [0, 2]), r'label is \[0, 2\], .* several labels a clip are not'),
    'one-hot': (fault('label', np.eye(3)[1]), 'label is float64 .* several labels a clip are not'),
    'name': (fault('frame_dir', ((((),),),)), 'frame_dir is'),
    'keypoint': (fault('keypoint', 3), 'keypoint is int'),
    'nan': (number(np.nan), r'xsub_train_003.: keypoint is nan at \[0, 0, 0, 0\] and'),
    'infinite': (number(np.inf, (0, 1, 2, 0)), r'is inf at \[0, 1, 2, 0\], expected finite'),
    '3e38': (number(3e38, (0, 1, 2, 0)), r'is 3e\+38 at \[0, 1, 2, 0\], expected numbers to 1e'),
    '-9e18': (number(-9e18, (0, 1, 2, 1)), r'is -9e\+18 at \[0, 1, 2, 1\]'),
    'empty': (number(0), 'keypoint is zero throughout'),
    'planar': (
        fault('keypoint', np.ones((1, 30, 25, 2), np.float32)),
        'has 25 joints of 2 coordinates, expected 25 of 3 as most',
    ),
}


def edit_frames(data):
    """The shape stays as total_frames says."""
    sample = data['annotations'][3]
    if isinstance(sample.get('keypoint'), np.ndarray):
        sample['total_frames'] = sample['keypoint'].shape[1]


@pytest.mark.parametrize('kind', FAULTS)
def test_an_invalid_sample_is_refused_at_the_start_or_left_out(kind, change, monkeypatch):
    edit, message = FAULTS[kind]
    path = change(lambda data: (edit(data), edit_frames(data)))
    with pytest.raises(InputError, match=message) as error:
        SkeletonDataset(path, pipeline=[], split='xsub_train')
    assert '\n' not in str(error.value) and 'bad.pkl' in str(error.value)
    log = []
    monkeypatch.setattr(MMLogger.get_current_instance(), 'warning', log.append)
    dataset = SkeletonDataset(path, pipeline=[], split='xsub_train', invalid='skip')
    names = [dataset[index]['frame_dir'] for index in range(len(dataset))]
    assert len(dataset.labels) == 23 and 'xsub_train_003' not in names
    assert '1 invalid samples or names are left out' in log[0] and len(log) == 2
    if kind != 'name':  # a name that is none is missed in the split
        assert error.value.args[0].startswith(log[1])


@pytest.mark.parametrize(
    'edit, message',
    [
        (lambda names: [*names, ((((),),),)], r'names \(\(\(...\),\),\), no annotation has this'),
        (lambda names: names[:12] + [f'{name}.avi' for name in names[12:]], r'\(12 such names\)'),
        (lambda names: 'xsub_train_003', "split 'xsub_train' is a str, expected a list"),
        (lambda names: 7, "split 'xsub_train' is a int, expected a list"),
        (lambda names: {'a': 1}, "split 'xsub_train' is a dict, expected a list"),
    ],
)
def test_members_of_a_split_that_are_no_samples_are_refused(edit, message, change):
    path = change(members(edit))
    with pytest.raises(InputError, match=message) as error:
        SkeletonDataset(path, pipeline=[], split='xsub_train')
    assert '\n' not in str(error.value)
    SkeletonDataset(path, pipeline=[], split='xsub_val')


def test_of_many_invalid_samples_the_first_are_named(change, monkeypatch):
    path = change(members(lambda names: names[:2] + [f'{name}.avi' for name in names]))
    log = []
    monkeypatch.setattr(MMLogger.get_current_instance(), 'warning', log.append)
    dataset = SkeletonDataset(path, pipeline=[], split='xsub_train', invalid='skip')
    assert len(dataset) == 2 and len(log) == 22 and log[-1] == '... and 4 more'


@pytest.mark.parametrize('option', [dict(multi_class=True, num_classes=3), dict(invalid='drop')])
def test_options_that_are_not_supported(option, change):
    path = change(lambda data: None)
    with pytest.raises(InputError, match=r'several labels a clip|invalid is .drop'):
        SkeletonDataset(path, pipeline=[], **option)


def test_a_label_of_numpy_is_a_label(change):
    path = change(fault('label', np.int64(2), 0))
    dataset = SkeletonDataset(path, pipeline=[], split='xsub_train')
    assert type(dataset[0]['label']) is int
    sample = dict(dataset[0], inputs=0)
    assert PackActionInputs(meta_keys=()).transform(sample)['data_samples'].gt_label.item() == 2
