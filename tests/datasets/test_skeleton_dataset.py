import pickle

import numpy as np
import pytest
import torch
from mmaction.datasets import PoseDataset
from mmengine.dataset import BaseDataset, ClassBalancedDataset, RepeatDataset

from csre_mm.datasets import SkeletonDataset
from csre_mm.utils.errors import InputError


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


def test_a_split_that_does_not_exist(ntu_file):
    with pytest.raises(InputError, match="has no split 'xview_train'; it has xsub_train, xsub_val"):
        SkeletonDataset(str(ntu_file), pipeline=[], split='xview_train')


def test_an_empty_split(ntu_file, tmp_path):
    path = change(ntu_file, tmp_path / 'a.pkl', lambda data: data['split'].update(none=[]))
    with pytest.raises(InputError, match="the split 'none' has no samples"):
        SkeletonDataset(path, pipeline=[], split='none')


@pytest.mark.parametrize('serialize_data', [True, False])
def test_negative_zeros_are_zeros(serialize_data, ntu_file, tmp_path):
    """As mirrored data have them where a joint was not detected."""

    def edit(data):
        data['annotations'][0]['keypoint'][:, :, 3] = -0.0

    path = change(ntu_file, tmp_path / 'a.pkl', edit)
    dataset = SkeletonDataset(path, pipeline=[], serialize_data=serialize_data)
    assert not np.signbit(dataset[0]['keypoint'][:, :, 3]).any()


@pytest.mark.parametrize('serialize_data', [True, False])
def test_samples_are_those_of_mmaction2(serialize_data, ntu_file, tmp_path):
    """Content of any type."""

    def edit(data):
        for sample in data['annotations'][::2]:
            sample['keypoint'] = sample['keypoint'].astype(np.float16)
            sample['keypoint_score'] = np.ones(sample['keypoint'].shape[:3])
        data['annotations'][1].update(img_shape=(1080, 1920), note=['a', None])

    path = change(ntu_file, tmp_path / 'a.pkl', edit)
    arguments = dict(pipeline=[], split='xsub_train', serialize_data=serialize_data)
    ours, theirs = SkeletonDataset(path, **arguments), PoseDataset(path, **arguments)
    assert len(ours) == len(theirs) == 24
    for index in (0, 1, 7, 23, -1):
        found, expected = ours[index], theirs[index]
        assert found.keys() == expected.keys()
        for key, value in expected.items():
            np.testing.assert_equal(found[key], value)
            assert getattr(found[key], 'dtype', None) == getattr(value, 'dtype', None)


def test_a_pipeline_of_mmaction2_gives_the_same(ntu_file):
    pipeline = [
        dict(type='mmaction.PreNormalize3D'),
        dict(type='mmaction.GenSkeFeat', dataset='nturgb+d', feats=['j']),
        dict(type='mmaction.UniformSampleFrames', clip_len=30),
        dict(type='mmaction.PoseDecode'),
        dict(type='mmaction.FormatGCNInput', num_person=2),
        dict(type='mmaction.PackActionInputs'),
    ]
    outputs = []
    for kind in (SkeletonDataset, PoseDataset):
        dataset = kind(str(ntu_file), pipeline=pipeline, split='xsub_train')
        np.random.seed(0)
        outputs.append([dataset[index] for index in range(6)])
    for ours, theirs in zip(*outputs, strict=True):
        assert torch.equal(ours['inputs'], theirs['inputs'])
        assert ours['data_samples'].gt_label == theirs['data_samples'].gt_label


def test_a_sample_can_be_written_to(ntu_file):
    dataset = SkeletonDataset(str(ntu_file), pipeline=[], split='xsub_train')
    expected = dataset[3]['keypoint'].copy()
    dataset[3]['keypoint'][:] = 5
    np.testing.assert_array_equal(dataset[3]['keypoint'], expected)


@pytest.mark.parametrize('serialize_data', [True, False])
@pytest.mark.parametrize('indices', [5, -4, [20, 3, 4, 3]])
def test_labels_follow_the_subset(indices, serialize_data, ntu_file):
    arguments = dict(pipeline=[], split='xsub_train', serialize_data=serialize_data)
    whole = SkeletonDataset(str(ntu_file), **arguments)
    chosen = SkeletonDataset(str(ntu_file), indices=indices, **arguments)
    subset = whole.get_subset(indices)
    assert len(whole) == len(whole.labels) == 24
    whole.get_subset_(indices)
    for dataset in (chosen, subset, whole):
        assert len(dataset) == len(dataset.labels)
        samples = [dataset[i] for i in range(len(dataset))]
        assert dataset.labels.tolist() == [sample['label'] for sample in samples]
        assert dataset.names.tolist() == [sample['frame_dir'] for sample in samples]
        assert [sample['frame_dir'] for sample in samples] == [
            chosen[i]['frame_dir'] for i in range(len(chosen))
        ]


def test_a_subset_copies_nothing_of_earlier_ones(ntu_file, monkeypatch):
    """mmengine caches copies by address, also when the address is reused."""
    dataset = SkeletonDataset(str(ntu_file), pipeline=[], split='xsub_train')
    (memo,) = BaseDataset._copy_without_annotation.__defaults__
    monkeypatch.setitem(memo, id(dataset.pipeline), 'a copy of what lay here before')
    assert dataset.get_subset(3)[2]['frame_dir'] == 'xsub_train_002'


def test_wrapped_datasets(ntu_file):
    path = str(ntu_file)
    dataset = SkeletonDataset(path, pipeline=[], split='xsub_train', indices=[0, 1, 3, 6])
    assert [dataset.get_cat_ids(i) for i in range(4)] == [[0], [1], [0], [0]]
    balanced = ClassBalancedDataset(dataset, oversample_thr=1.0)
    assert sorted(balanced[i]['label'] for i in range(len(balanced))) == [0, 0, 0, 0, 0, 0, 1, 1]
    repeated = RepeatDataset(dataset, times=3)
    assert (len(repeated), repeated[9]['sample_idx']) == (12, 1)


def test_lazy_init_reads_the_file_when_it_is_needed(ntu_file, tmp_path):
    with pytest.raises(InputError, match='no such file'):
        len(SkeletonDataset(str(tmp_path / 'none.pkl'), pipeline=[], lazy_init=True))
    dataset = SkeletonDataset(str(ntu_file), pipeline=[], split='xsub_val', lazy_init=True)
    assert not hasattr(dataset, 'data_bytes')
    assert dataset.get_cat_ids(4) == [1] and len(dataset.labels) == 24


@pytest.mark.parametrize('key', ['video', 'skeleton'])
def test_other_files_are_refused(key, ntu_file):
    """PoseDataset would load pickles from it that can run code."""
    with pytest.raises(InputError, match=f'data_prefix.{key} is for PoseDataset'):
        SkeletonDataset(str(ntu_file), pipeline=[], data_prefix={key: 'folder'})


def test_no_samples_left(ntu_file):
    with pytest.raises(InputError, match=r"no samples of the split 'xsub_val' are left by indices"):
        SkeletonDataset(str(ntu_file), pipeline=[], split='xsub_val', indices=[])
