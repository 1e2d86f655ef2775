import pickle

import numpy as np
import pytest

from csre_mm.datasets import SkeletonDataset
from csre_mm.utils.errors import InputError
from tests.conftest import make_annotations


def change(path, out, edit):
    with open(path, 'rb') as file:
        data = pickle.load(file)
    edit(data)
    with open(out, 'wb') as file:
        pickle.dump(data, file)
    return str(out)


def test_reads_a_split(ntu_file):
    dataset = SkeletonDataset(str(ntu_file), pipeline=[], split='xsub_val')
    assert len(dataset) == 24 and dataset.labels.tolist() == [0, 1, 2] * 8
    sample = dataset[5]
    assert (sample['frame_dir'], sample['sample_idx']) == ('xsub_val_005', 5)


def test_a_split_that_is_not_there(ntu_file):
    with pytest.raises(InputError, match="has no split 'xview_train'; it has xsub_train, xsub_val"):
        SkeletonDataset(str(ntu_file), pipeline=[], split='xview_train')


def test_an_empty_split(ntu_file, tmp_path):
    path = change(ntu_file, tmp_path / 'a.pkl', lambda data: data['split'].update(none=[]))
    with pytest.raises(InputError, match="the split 'none' has no samples"):
        SkeletonDataset(path, pipeline=[], split='none')


@pytest.mark.parametrize('value, message', [(np.nan, 'NaN or infinity'), (0, 'zero throughout')])
def test_a_bad_skeleton_is_named(tmp_path, value, message):
    path = make_annotations(tmp_path / 'a.pkl')

    def edit(data):
        data['annotations'][3]['keypoint'][:] = value

    path = change(path, path, edit)
    dataset = SkeletonDataset(path, pipeline=[], split='xsub_train')
    dataset[2]
    with pytest.raises(InputError, match=f'sample xsub_train_003 .*{message}'):
        dataset[3]
