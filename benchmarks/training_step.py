"""A training step of an encoder with CSRE and without, in turn.

The step is the whole of it after the data loader: preprocessor, encoder, neck, classifier,
backward, optimizer. The banks are full and of the size of the benchmark's training set. Data are
random.
"""

import argparse
import json
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope

import csre_mm  # noqa: F401  repairs the stack before anything else of it is imported
from csre_mm.apis import complete_config
from csre_mm.datasets.input_shape import read_input_shape
from csre_mm.engine.hooks.thread_hook import free_threads
from csre_mm.utils.machine import OtherLoad, keep_freed_memory, num_cores

# isort: split
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample

CONFIGS = Path(__file__).parents[1] / 'configs'
SLOTS = {'demo': 288, 'ntu60': 40_091, 'ntu120': 63_026, 'nwucla': 1_020}


def make_step(name: str, batch_size: int, slots: int, device: str, amp: bool) -> Callable[[], None]:
    """One training step of a config."""
    cfg = complete_config(Config.fromfile(CONFIGS / f'{name}.py'))
    torch.manual_seed(0)
    model = MODELS.build(cfg.model).to(device)
    model.train()
    if amp:
        cfg.optim_wrapper.type = 'AmpOptimWrapper'
    optimizer = build_optim_wrapper(model, cfg.optim_wrapper)
    shape = read_input_shape(cfg, training=True).sample()
    classes = cfg.model.cls_head.num_classes
    samples = []
    for index in range(batch_size):
        sample = ActionDataSample().set_gt_label(index % classes)
        sample.set_metainfo({'sample_idx': index})
        samples.append(sample)
    inputs = [torch.randn(shape) for _ in range(batch_size)]
    if hasattr(model, 'neck'):
        for loss in (model.neck.loss_spatial, model.neck.loss_temporal):
            loss.bank.allocate(slots)
            loss.bank.features.copy_(F.normalize(torch.randn(slots, loss.bank.feat_dim), dim=1))
            loss.bank.labels.copy_(torch.arange(slots) % classes)

    def step() -> None:
        model.train_step({'inputs': list(inputs), 'data_samples': list(samples)}, optimizer)
        if device != 'cpu':
            torch.cuda.synchronize()

    return step


def compare(name: str, batch_size: int, repeats: int, device: str, amp: bool) -> dict:
    """Median seconds of both, and the median of the ratios of neighbouring steps."""
    slots = SLOTS[name.split('_')[1]]
    names = name, f'csre_{name}'
    steps = [make_step(each, batch_size, slots, device, amp) for each in names]
    times: list[list[float]] = [[], []]
    for turn in range(repeats + 1):
        for step, found in zip(steps, times, strict=True):
            start = time.perf_counter()
            step()
            if turn:  # the first is for warming up
                found.append(time.perf_counter() - start)
    baseline, csre = (statistics.median(found) for found in times)
    ratio = statistics.median(b / a for a, b in zip(*times, strict=True))
    row = {'config': name, 'batch_size': batch_size, 'slots': slots, 'amp': amp}
    return row | {'baseline_seconds': baseline, 'csre_seconds': csre, 'ratio': ratio}


def beside_neighbours(name: str, batch_size: int, repeats: int, count: int) -> dict:
    """Median seconds of a step alone, beside busy processes, and there with ``ThreadHook``."""
    step = make_step(name, batch_size, SLOTS[name.split('_')[1]], 'cpu', amp=False)

    def measure() -> float:
        times = []
        for _ in range(repeats + 1):
            start = time.perf_counter()
            step()
            times.append(time.perf_counter() - start)
        return statistics.median(times[1:])

    row = {'config': name, 'batch_size': batch_size, 'neighbours': count, 'alone': measure()}
    command = [sys.executable, '-c', 'while True: pass']
    neighbours = [subprocess.Popen(command) for _ in range(count)]
    try:
        load = OtherLoad()
        row['beside'] = measure()
        torch.set_num_threads(free_threads(num_cores(), load()))  # as ThreadHook does
        row['threads'] = torch.get_num_threads()
        row['with_hook'] = measure()
    finally:
        for process in neighbours:
            process.kill()
    return row


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog='example:\n  python benchmarks/training_step.py ctrgcn_ntu60 --batch-size 64',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('configs', nargs='*', default=['ctrgcn_ntu60'], help='baseline configs')
    parser.add_argument('--batch-size', type=int, default=64)
    parser.add_argument('--repeats', type=int, default=5)
    parser.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu')
    parser.add_argument('--amp', action='store_true')
    parser.add_argument(
        '--busy',
        type=int,
        metavar='N',
        help='measure a step beside N busy processes instead, with and without ThreadHook',
    )
    parser.add_argument('--json', type=Path, help='write the figures to this file')
    args = parser.parse_args()
    init_default_scope('mmaction')
    if args.device == 'cpu':
        keep_freed_memory()  # as the commands do
    print(f'{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}')
    if args.busy is not None:
        for name in args.configs:
            row = beside_neighbours(name, args.batch_size, args.repeats, args.busy)
            alone, beside, hook = row['alone'], row['beside'], row['with_hook']
            print(
                f'{name}: alone {alone * 1e3:.0f} ms, beside {args.busy} busy processes '
                f'{beside / alone:.2f} times as long, with ThreadHook ({row["threads"]} threads) '
                f'{hook / alone:.2f} times'
            )
        return
    print(
        f'{"config":<16} {"batch":>5} {"slots":>7} {"baseline ms":>12} {"csre ms":>9} {"more":>7}'
    )
    rows = []
    for name in args.configs:
        row = compare(name, args.batch_size, args.repeats, args.device, args.amp)
        rows.append(row)
        print(
            f'{name:<16} {row["batch_size"]:>5} {row["slots"]:>7,} '
            f'{row["baseline_seconds"] * 1e3:>12.1f} {row["csre_seconds"] * 1e3:>9.1f} '
            f'{(row["ratio"] - 1) * 100:>6.1f}%',
            flush=True,
        )
    if args.json:
        args.json.write_text(json.dumps({'device': args.device, 'rows': rows}, indent=2) + '\n')


if __name__ == '__main__':
    main()
