import multiprocessing
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

import csre_mm  # noqa: F401  repairs the stack
from csre_mm.datasets.annotations import load_annotations, save_annotations

ROOT = Path(__file__).parents[1]
NTU_SPLITS = ('xsub_train', 'xsub_val')
UCLA_SPLITS = ('train', 'val', 'val_clean')

# Workers of pytest-xdist share the cores, and so do the processes that tests start.
torch.set_num_threads(1)
os.environ['OMP_NUM_THREADS'] = '1'
# Processes of the method forkserver start with these imports done.
multiprocessing.set_forkserver_preload(['csre_mm.apis'])


def make_annotations(
    path, *, num_joints=25, persons=(1, 2), num_classes=3, per_class=8, splits=NTU_SPLITS, seed=0
):
    """A small annotation file of skeletons that drift in a direction of their class."""
    generator = np.random.default_rng(seed)
    annotations, names = [], {split: [] for split in splits}
    for split in splits:
        for index in range(num_classes * per_class):
            label, frames = index % num_classes, int(generator.integers(20, 40))
            shape = (persons[index % len(persons)], frames, num_joints, 3)
            drift = np.linspace(0, 1, frames)[:, None] * np.eye(3)[label % 3]  # (T, 3)
            keypoint = generator.normal(size=shape) * 0.1 + drift[:, None]
            annotations.append(
                {
                    'frame_dir': f'{split}_{index:03d}',
                    'label': label,
                    'total_frames': frames,
                    'keypoint': keypoint.astype(np.float32),
                }
            )
            names[split].append(annotations[-1]['frame_dir'])
    save_annotations({'split': names, 'annotations': annotations}, path)
    return path


@pytest.fixture(scope='session')
def ntu_file(tmp_path_factory):
    return make_annotations(tmp_path_factory.mktemp('data') / 'ntu.pkl')


@pytest.fixture(scope='session')
def ucla_file(tmp_path_factory):
    path = tmp_path_factory.mktemp('data') / 'ucla.pkl'
    return make_annotations(path, num_joints=20, persons=(1,), splits=UCLA_SPLITS)


@pytest.fixture
def named_file(ucla_file, tmp_path):
    """The small data with names of NW-UCLA: subjects 1 to 4 in turn."""
    data = load_annotations(ucla_file)
    names = {}
    for index, sample in enumerate(data['annotations']):
        names[sample['frame_dir']] = f'a01_s{index % 4 + 1:02d}_e{index:02d}_v01'
        sample['frame_dir'] = names[sample['frame_dir']]
    split = {key: [names[name] for name in value] for key, value in data['split'].items()}
    path = tmp_path / 'named.pkl'
    save_annotations({'split': split, 'annotations': data['annotations']}, path)
    return path


RUN = {
    'train_dataloader.batch_size': 8,
    'train_dataloader.num_workers': 0,
    'train_dataloader.persistent_workers': False,
    'val_dataloader.num_workers': 0,
    'val_dataloader.persistent_workers': False,
    'test_dataloader.num_workers': 0,
    'test_dataloader.persistent_workers': False,
    'train_cfg.max_epochs': 2,
    'default_hooks.logger.interval': 1,
}
# Channels of the first block, and of the feature map.
CHANNELS = {
    'hcn': (8, 32),
    '2sagcn': (8, 32),
    'ctrgcn': (8, 32),
    'hyperformer': (36, 36),
    'blockgcn': (16, 32),
    'stgcn': (8, 32),
    'stgcnpp': (8, 32),
    'aagcn': (8, 32),
    'posec3d': (4, 64),
}


GRAPH = {'num_stages': 3, 'inflate_stages': (2, 3), 'down_stages': (2, 3)}
# Blocks instead of ten: the first, and those that give the feature map its channels and frames.
DEPTHS = {
    'hcn': {},
    'hyperformer': {key: GRAPH[key] for key in ('num_stages', 'down_stages')},
    'blockgcn': {**GRAPH, 'inflate_stages': (2,)},
    'posec3d': {'stage_blocks': (1, 1, 1)},
}


OF_CLIPS = ('stgcn', 'stgcnpp', 'aagcn', 'posec3d')
"""Encoders whose training set is repeated, and which are tested on ten clips of a sample."""


def encoder_of(name):
    """The encoder in the name of a config."""
    return name.removeprefix('csre_').split('_')[0]


def repeats(name):
    """Whether a config's training set is a RepeatDataset."""
    return name.endswith(('nwucla', 'utd_mhad')) or encoder_of(name) in OF_CLIPS


def options_of(ann_file, *, csre, repeated=False, encoder='ctrgcn', **extra):
    """The --cfg-options that shrink a config to the small data."""
    inner = 'dataset.dataset' if repeated else 'dataset'
    base_channels, channels = CHANNELS[encoder]
    options = {
        'model.backbone.base_channels': base_channels,
        'model.cls_head.in_channels': channels,
        **{f'model.backbone.{key}': value for key, value in DEPTHS.get(encoder, GRAPH).items()},
        **RUN,
        f'train_dataloader.{inner}.ann_file': ann_file,
        'val_dataloader.dataset.ann_file': ann_file,
        'test_dataloader.dataset.ann_file': ann_file,
    }
    if encoder in OF_CLIPS:
        options['test_dataloader.dataset.pipeline.1.num_clips'] = 2
    if encoder == 'posec3d':
        for part in ('val', 'test'):
            options[f'{part}_dataloader.dataset.pipeline.1.clip_len'] = 16
    options.update(extra)
    return [f'{key}={value}' for key, value in options.items()]


@pytest.fixture
def drawn(monkeypatch):
    """The figures that a test saves."""
    figures, save = [], Figure.savefig

    def record(figure, *arguments, **options):
        figures.append(figure)
        return save(figure, *arguments, **options)

    monkeypatch.setattr(Figure, 'savefig', record)
    return figures


def config(name):
    return ROOT / 'configs' / f'{name}.py'
