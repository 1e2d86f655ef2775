import copy
import gc
import multiprocessing
import os
import pickle
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from mmengine.dataset import BaseDataset
from torch.utils.data import DataLoader

from csre_mm.datasets import SkeletonDataset
from csre_mm.datasets.annotations import save_annotations

MIB = 1 << 20
needs_linux = pytest.mark.skipif(
    not Path('/proc/self/smaps_rollup').exists(), reason='reads the memory of processes in /proc'
)


@pytest.fixture(scope='module')
def large_file(tmp_path_factory):
    """52 MiB of skeletons."""
    path = tmp_path_factory.mktemp('large') / 'a.pkl'
    keypoint = np.random.default_rng(0).normal(size=(2, 180, 25, 3)).astype(np.float32)
    annotations = [
        {'frame_dir': f'{i}', 'label': 0, 'total_frames': 180, 'keypoint': keypoint + i}
        for i in range(500)
    ]
    save_annotations({'split': {}, 'annotations': annotations}, path)
    return path


def test_bytes_and_ends_are_those_of_mmengine(ntu_file):
    dataset = SkeletonDataset(str(ntu_file), pipeline=[], serialize_data=False)
    samples = list(dataset.data_list)
    found = dataset._serialize_data()
    assert dataset.data_list == []
    dataset.data_list = samples
    for ours, theirs in zip(found, BaseDataset._serialize_data(dataset), strict=True):
        np.testing.assert_array_equal(ours, theirs)
        assert ours.dtype == theirs.dtype


def test_a_pickle_for_anything_else_than_a_process_is_a_copy(ntu_file):
    dataset = SkeletonDataset(str(ntu_file), pipeline=[], split='xsub_train')
    for other in (pickle.loads(pickle.dumps(dataset)), copy.deepcopy(dataset)):
        assert not np.shares_memory(other.data_bytes, dataset.data_bytes)
        np.testing.assert_array_equal(other[7]['keypoint'], dataset[7]['keypoint'])


def write_and_read(datasets, queue):
    """In a child: change the last byte of the samples, and give some of them back."""
    for dataset in datasets:
        keypoint = dataset[2]['keypoint']
        dataset.data_bytes[-1] = 0
        queue.put((keypoint, len(dataset), dataset.labels))


@pytest.mark.parametrize('method', ['spawn', 'forkserver'])
def test_started_processes_use_the_same_memory(method, ntu_file):
    whole = SkeletonDataset(str(ntu_file), pipeline=[], split='xsub_train')
    context = multiprocessing.get_context(method)
    datasets = whole, whole.get_subset(-5), copy.deepcopy(whole)
    whole.get_subset_(12)
    expected = [dataset[2]['keypoint'] for dataset in datasets]
    addresses = []
    for _ in range(2 if method == 'forkserver' else 1):  # a spawned one imports everything
        assert all(dataset.data_bytes[-1] == pickle.STOP[0] for dataset in datasets)
        queue = context.SimpleQueue()
        child = context.Process(target=write_and_read, args=(datasets, queue))
        child.start()
        for dataset, here in zip(datasets, expected, strict=True):
            keypoint, size, labels = queue.get()
            np.testing.assert_array_equal(keypoint, here)
            assert size == len(dataset) and labels.tolist() == dataset.labels.tolist()
        child.join()
        for dataset, here in zip(datasets, expected, strict=True):
            assert dataset.data_bytes[-1] == 0
            dataset.data_bytes[-1] = pickle.STOP[0]
            np.testing.assert_array_equal(dataset[2]['keypoint'], here)
        addresses.append([dataset.data_bytes.ctypes.data for dataset in datasets])
    assert addresses[0] == addresses[-1]  # moved to shared memory only once


def memory(*fields):
    """Of this process, in bytes: the sum of some fields of its memory."""
    lines = Path('/proc/self/smaps_rollup').read_text().splitlines()[1:]
    sizes = dict(line.split()[:2] for line in lines)
    return sum(int(sizes[f'{field}:']) for field in fields) * 1024


class Reader:
    """Last step of a pipeline: reads a sample, and at both ends tells the private memory."""

    def __init__(self, keeps):
        self.keeps = keeps
        self.kept = []

    def __call__(self, results):
        assert results['keypoint'].sum()
        if self.keeps:
            self.kept.append(results)
        if 0 < results['sample_idx'] < 499:
            return ()  # asking takes milliseconds
        return os.getpid(), memory('Private_Dirty', 'Private_Clean')


@needs_linux
@pytest.mark.parametrize('keeps', [False, True])
def test_forked_workers_read_an_epoch_without_a_copy(keeps, large_file):
    """Two workers read everything; a pipeline that keeps copies shows that these would be seen."""
    dataset = SkeletonDataset(str(large_file), pipeline=[Reader(keeps)])
    size = len(dataset.data_bytes)
    assert size > 50 * MIB and dataset.data_bytes.any()
    dataset.data_bytes.sum()  # what one process alone has read counts as private to it
    batches = [range(start, start + 50) for start in range(0, 500, 50) for _ in range(2)]
    loader = DataLoader(
        dataset,
        batch_sampler=batches,
        num_workers=2,
        multiprocessing_context='fork',
        collate_fn=list,
    )
    gc.disable()  # a collection writes to every object that the workers share with this process
    try:
        seen = [each for batch in loader for each in batch if each]
    finally:
        gc.enable()
    workers = {pid for pid, _ in seen}
    assert len(workers) == 2
    for worker in workers:
        first, last = (private for pid, private in seen if pid == worker)
        assert last - first > size / 2 if keeps else last - first < size / 4


def test_loading_holds_the_samples_once_and_lets_them_go(large_file):
    """Counted by the allocator: what the system says of a process depends on its neighbours."""
    tracemalloc.start()
    dataset = SkeletonDataset(str(large_file), pipeline=[])
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    size = len(dataset.data_bytes)
    assert size < kept < 1.1 * size and peak < 1.7 * size
