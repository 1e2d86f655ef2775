import copy
import gc
import multiprocessing
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from torch.utils.data import DataLoader

from csre_mm.datasets import SkeletonDataset, shared_bytes
from csre_mm.datasets.annotations import save_annotations
from csre_mm.datasets.shared_bytes import Passed, pickle_shared

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


def without_memfd(monkeypatch):
    def refuse(name):
        raise OSError(38, 'Function not implemented')

    monkeypatch.setattr(os, 'memfd_create', refuse, raising=False)


@pytest.mark.parametrize('memfd', [True, False])
def test_bytes_and_ends_are_those_of_mmengine(memfd, monkeypatch):
    if not memfd:
        without_memfd(monkeypatch)
    samples = [{'x': np.arange(n), 'name': str(n)} for n in (3, 100_000, 0, 7)]
    array, ends = pickle_shared(iter(samples))
    pickles = [pickle.dumps(sample, protocol=4) for sample in samples]
    assert array.tobytes() == b''.join(pickles)
    assert ends.tolist() == np.cumsum([len(each) for each in pickles]).tolist()


@pytest.mark.parametrize('memfd', [True, False])
def test_a_pickle_for_anything_else_than_a_process_is_a_copy(memfd, monkeypatch, ntu_file):
    if not memfd:
        without_memfd(monkeypatch)
    dataset = SkeletonDataset(str(ntu_file), pipeline=[], split='xsub_train')
    part = dataset.data_bytes[10:50]
    for other in (pickle.loads(pickle.dumps(Passed(part))), copy.deepcopy(Passed(part))):
        assert other.tolist() == part.tolist() and not np.shares_memory(other, part)
    for other in (pickle.loads(pickle.dumps(dataset)), copy.deepcopy(dataset)):
        assert not np.shares_memory(other.data_bytes, dataset.data_bytes)
        np.testing.assert_array_equal(other[7]['keypoint'], dataset[7]['keypoint'])


def report(dataset, part, queue):
    """In a child: what the memory of the dataset is, and some of its contents."""
    names = []
    for array in (dataset.data_bytes, part):
        address = array.__array_interface__['data'][0]
        for line in Path('/proc/self/maps').read_text().splitlines():
            low, high = (int(end, 16) for end in line.split()[0].split('-'))
            if low <= address < high:
                names.append(line)
    queue.put((names, dataset[7]['keypoint'], part.tobytes()))


@needs_linux
@pytest.mark.parametrize('method', ['spawn', 'forkserver', 'fork'])
def test_a_started_process_maps_the_same_memory(method, ntu_file):
    dataset = SkeletonDataset(str(ntu_file), pipeline=[], split='xsub_train')
    part = dataset.data_bytes[5000:5040]
    context = multiprocessing.get_context(method)
    queue = context.SimpleQueue()
    child = context.Process(target=report, args=(dataset, Passed(part), queue))
    if method == 'fork':
        child = context.Process(target=report, args=(dataset, part, queue))
    child.start()
    names, keypoint, contents = queue.get()
    child.join()
    assert len(names) == 2 and all('r--s' in name and 'memfd:csre_mm' in name for name in names)
    np.testing.assert_array_equal(keypoint, dataset[7]['keypoint'])
    assert contents == part.tobytes()


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


def load_in_child(path, queue):
    """How a process grows while it loads a file: at its end, at most, and on its way."""
    Path('/proc/self/clear_refs').write_text('5')  # the peak is counted from here
    before, trim, sizes = memory('Rss'), shared_bytes._trim, []

    def trim_and_look():
        trim()
        sizes.append(memory('Rss') - before)

    shared_bytes._trim, shared_bytes._TRIM_INTERVAL = trim_and_look, 5 * MIB
    dataset = SkeletonDataset(str(path), pipeline=[])
    status = dict(line.split(':') for line in Path('/proc/self/status').read_text().splitlines())
    peak = int(status['VmHWM'].split()[0]) * 1024
    queue.put((len(dataset.data_bytes), memory('Rss') - before, peak - before, sizes))


@needs_linux
def test_loading_holds_the_samples_once_and_lets_them_go(large_file):
    """What is written is not counted here before somebody reads it: the rest must make room."""
    context = multiprocessing.get_context('fork')
    queue = context.SimpleQueue()
    child = context.Process(target=load_in_child, args=(large_file, queue))
    child.start()
    size, growth, peak, sizes = queue.get()
    child.join()
    assert growth < size / 2 and peak < 1.7 * size
    assert len(sizes) > 8 and sizes[len(sizes) // 2] < sizes[0] - size / 4
