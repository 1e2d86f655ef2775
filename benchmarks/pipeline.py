"""One training sample through the pipeline, ours and mmaction2's, in turn.

Whole: dataset[index] as a worker of the data loader calls it, from the stored bytes of the sample
to the packed tensor: unpickling, the check of the numbers, every transform. Transforms: the same
without the data set. Not in it: the collation of a batch, its way to the main process, and stream
and rotation, which SkeletonPreprocessor does for a whole batch. mmaction2's pipeline is that of its
ST-GCN, 2s-AGCN and ST-GCN++ configs for NTU RGB+D (joints, 100 frames), with its PoseDataset.

The data are random walks of 25 joints. Everything runs on one core.
"""

import argparse
import copy
import json
import platform
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope

import csre_mm  # noqa: F401  repairs the stack before anything else of it is imported

# isort: split
from mmaction.datasets.transforms import PreNormalize3D
from mmaction.registry import DATASETS
from mmengine.dataset import BaseDataset

from csre_mm.datasets.annotations import save_annotations

CONFIG = Path(__file__).parents[1] / 'configs' / 'ctrgcn_ntu60.py'
TAIL = [dict(type='FormatGCNInput', num_person=2), dict(type='PackActionInputs')]
UPSTREAM = [
    dict(type=PreNormalize3D),
    dict(type='GenSkeFeat', dataset='nturgb+d', feats=['j']),
    dict(type='UniformSampleFrames', clip_len=100),
    dict(type='PoseDecode'),
    *TAIL,
]
UNIFORM = [dict(type='CenterSkeleton'), dict(type='SampleUniform', clip_len=100), *TAIL]


def make_file(path: str, persons: int, samples: int, frames: list[int], seed: int) -> None:
    """Write skeletons that move by small steps: (persons, T, 25, 3), metres."""
    generator = np.random.default_rng(seed)
    annotations = []
    for index in range(samples):
        shape = persons, int(generator.integers(frames[0], frames[1] + 1)), 25, 3
        steps = generator.normal(scale=0.01, size=shape).cumsum(axis=1)
        keypoint = generator.normal(scale=0.5, size=(persons, 1, 25, 3)) + steps + [0, 0, 3]
        annotations.append(
            {
                'frame_dir': f'{index:06d}',
                'label': index % 60,
                'total_frames': shape[1],
                'keypoint': keypoint.astype(np.float32),
            }
        )
    names = [annotation['frame_dir'] for annotation in annotations]
    save_annotations({'split': {'xsub_train': names}, 'annotations': annotations}, path)


def take_times(dataset: BaseDataset, indices: np.ndarray) -> tuple[float, float]:
    """Seconds a sample, whole and of its transforms alone, over samples in a row."""
    infos = [copy.deepcopy(dataset.get_data_info(int(index))) for index in indices]
    start = time.perf_counter()
    for index in indices:
        dataset[int(index)]
    between = time.perf_counter()
    for info in infos:
        dataset.pipeline(info)
    end = time.perf_counter()
    return (between - start) / len(indices), (end - between) / len(indices)


def make_datasets(persons: int, pipelines: list[list], args: argparse.Namespace) -> list:
    """mmaction2's data set with the first pipeline, ours with the others, of the same samples."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, 'a.pkl'))
        make_file(path, persons, args.samples, args.frames, args.seed)
        kinds = ['PoseDataset'] + ['SkeletonDataset'] * (len(pipelines) - 1)
        return [
            DATASETS.build(dict(type=kind, ann_file=path, split='xsub_train', pipeline=pipeline))
            for kind, pipeline in zip(kinds, pipelines, strict=True)
        ]


def compare(persons: int, args: argparse.Namespace) -> list[dict]:
    """Median seconds of each pipeline, and the median of the ratios in the same turn."""
    recipes = {
        'crop and resize to 64': Config.fromfile(CONFIG).train_dataloader.dataset.pipeline,
        'uniform 100': UNIFORM,
    }
    datasets = make_datasets(persons, [UPSTREAM, *recipes.values()], args)
    np.random.seed(args.seed)
    turns = [np.random.choice(args.samples, args.batch_size) for _ in range(args.repeats + 1)]
    # (turns, pipelines, parts); the first turn is for warming up
    times = np.array([[take_times(each, turn) for each in datasets] for turn in turns])[1:]
    rows = []
    for number, recipe in enumerate(recipes, start=1):
        for part, name in enumerate(('whole', 'transforms')):
            own, theirs = times[:, number, part], times[:, 0, part]
            row = {'persons': persons, 'recipe': recipe, 'part': name}
            row |= {'seconds': float(np.median(own)), 'mmaction2_seconds': float(np.median(theirs))}
            rows.append(row | {'ratio': float(np.median(theirs / own))})
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog='example:\n  python benchmarks/pipeline.py --frames 80 100 --persons 1 2',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('--samples', type=int, default=1000, help='in the file')
    parser.add_argument('--batch-size', type=int, default=64, help='samples in a row')
    parser.add_argument('--repeats', type=int, default=15, help='turns')
    parser.add_argument('--frames', type=int, nargs=2, default=[80, 100], help='least and most')
    parser.add_argument('--persons', type=int, nargs='+', default=[1, 2])
    parser.add_argument('--seed', type=int, default=0, help='of the data and the draws')
    parser.add_argument('--json', type=Path, help='write the figures to this file')
    args = parser.parse_args()
    torch.set_num_threads(1)
    init_default_scope('mmaction')
    MMLogger.get_instance('benchmark', log_level='WARNING')
    print(
        f'{platform.machine()}, {torch.get_num_threads()} thread, torch {torch.__version__}, '
        f'numpy {np.__version__}; {args.samples} samples of {args.frames[0]} to {args.frames[1]} '
        f'frames, seed {args.seed}'
    )
    heads = 'persons', 'recipe', 'part', 'ours ms', 'mmaction2 ms', 'ratio'
    print('{:>7} {:<22} {:<11} {:>8} {:>13} {:>6}'.format(*heads))
    rows = []
    for persons in args.persons:
        for row in compare(persons, args):
            rows.append(row)
            print(
                f'{row["persons"]:>7} {row["recipe"]:<22} {row["part"]:<11} '
                f'{row["seconds"] * 1e3:>8.3f} {row["mmaction2_seconds"] * 1e3:>13.3f} '
                f'{row["ratio"]:>5.1f}x',
                flush=True,
            )
    if args.json:
        args.json.write_text(json.dumps({'seed': args.seed, 'rows': rows}, indent=2) + '\n')


if __name__ == '__main__':
    main()
