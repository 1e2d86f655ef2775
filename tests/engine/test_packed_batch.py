"""What the workers of a data loader send is what the main process would have made."""

import pickle

import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from csre_mm.engine import SkeletonRunner
from csre_mm.engine.packed_batch import collate_packed
from tests.runs import small_config


def batches(build, ann_file, folder, workers):
    init_default_scope('mmaction')
    cfg = small_config('hcn_ntu60', ann_file, folder)
    settings = cfg.test_dataloader  # which draws nothing
    settings.update(num_workers=workers, batch_size=8)
    return list(build(settings, seed=0))


def places(tensors):
    return len({tensor.untyped_storage().data_ptr() for tensor in tensors})


@pytest.mark.parametrize('workers', [0, 1])
def test_batches_are_those_of_mmengine(ntu_file, tmp_path, workers):
    expected = batches(Runner.build_dataloader, ntu_file, tmp_path, 0)
    found = batches(SkeletonRunner.build_dataloader, ntu_file, tmp_path, workers)
    for batch, other in zip(found, expected, strict=True):
        assert type(batch['inputs']) is type(batch['data_samples']) is list
        for clip, right in zip(batch['inputs'], other['inputs'], strict=True):
            assert torch.equal(clip, right) and clip.dtype == right.dtype
        for sample, right in zip(batch['data_samples'], other['data_samples'], strict=True):
            assert type(sample) is type(right) and sample.metainfo == right.metainfo
            assert sample.keys() == right.keys()
            assert torch.equal(sample.gt_label, right.gt_label)
        assert places(batch['inputs']) == (1 if workers else 8)
        assert places([s.gt_label for s in batch['data_samples']]) == (1 if workers else 8)


@pytest.mark.parametrize(
    'inputs',
    [
        [torch.ones(2), torch.ones(3)],
        [torch.ones(2), torch.ones(2, dtype=torch.float64)],
        [torch.ones(2), 3.0],
    ],
)
def test_what_cannot_be_stacked_comes_as_it_is(inputs):
    samples = [{'inputs': x, 'data_samples': i} for i, x in enumerate(inputs)]
    batch = pickle.loads(pickle.dumps(collate_packed(pseudo_collate, samples)))
    assert batch['data_samples'] == [0, 1] and len(batch['inputs']) == 2
    for found, x in zip(batch['inputs'], inputs, strict=True):
        assert torch.equal(torch.as_tensor(found), torch.as_tensor(x))
        assert getattr(found, 'dtype', None) == getattr(x, 'dtype', None)


def test_a_batch_that_is_no_dictionary_comes_as_it_is():
    assert collate_packed(list, [1, 2]) == [1, 2]
