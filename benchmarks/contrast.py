"""Time and memory of a contrast step against a plain loop over anchors.

A step is what CSRE adds to training besides the layers of the neck, for both losses: normalise,
write the bank, similarities, choice of pairs, loss, backward. The plain loop goes the way of the
authors' release (``model/loss.py``): masks over the whole bank, and for each anchor a selection, a
full sort, ``random.sample`` over a list, and a cross entropy over every pair.

Both sides run in turn in one process, and medians are reported. Memory is what a step adds at its
peak to a process that holds the banks, each side in a separate process.

With ``--against FILE``, the release's ``model/loss.py``, its own class takes the place of the loop.
"""

import argparse
import gc
import itertools
import json
import multiprocessing
import os
import platform
import random
import runpy
import statistics
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from csre_mm.models import MemoryContrastLoss
from csre_mm.models.losses.contrast import contrast

N, D, KP, KN, TEMPERATURE = 64, 256, 128, 512, 0.8
CLASSES = {5_100: 10, 40_091: 60, 63_026: 120, 1_000_000: 120}


class PlainLoop:
    """The contrast of one bank, an anchor at a time.

    Args:
        features: L2-normalised features (S, D).
        labels: Classes of the slots (S,).
    """

    def __init__(self, features: Tensor, labels: Tensor) -> None:
        self.features, self.labels = features, labels
        self.filled = torch.ones(len(labels), device=labels.device)

    def __call__(self, z: Tensor, labels: Tensor, indices: Tensor) -> Tensor:
        """Write the batch and compute its loss."""
        z = z / z.norm(dim=-1, keepdim=True)
        self.features[indices] = z.detach()
        self.filled[indices] = 1
        similarities = torch.einsum('nc,mc->nm', z, self.features)  # (N, S)
        same = labels.view(-1, 1) == self.labels.view(1, -1)
        other = 1 - same.float()
        same, other = same * self.filled, other * self.filled
        collected = []
        for i in range(len(z)):
            if same[i].sum() < KP or other[i].sum() < KN:
                continue
            positives = torch.masked_select(similarities[i], same[i].bool())
            positives = positives.sort()[0][:KP].view(1, KP, 1)
            negatives = torch.masked_select(similarities[i], other[i].bool())
            hard = negatives.sort(descending=True)[0][:KN]
            drawn = negatives[random.sample(list(range(len(negatives))), k=KN)]
            for chosen in (hard, drawn):
                chosen = chosen.view(1, 1, KN).expand(-1, KP, -1)
                collected.append(torch.cat([positives, chosen], -1).view(KP, -1))
        logits = torch.cat(collected) / TEMPERATURE  # (2 * N * K+, 1 + K-)
        target = torch.zeros(len(logits), dtype=torch.long, device=z.device)
        return F.cross_entropy(logits, target)


def load_release(path: Path, features: Tensor, labels: Tensor) -> torch.nn.Module:
    """The contrast of the release on a full bank."""
    make = runpy.run_path(str(path))['ContrastLoss']
    loss = make(D, len(labels), KP, KN, TEMPERATURE, label_all=labels.tolist())
    loss.Bank.copy_(features)
    loss.bank_flag.fill_(1)
    return loss.to(labels.device)


class Case(NamedTuple):
    """What is measured: banks, where they are, and the release's file in place of the loop."""

    slots: int
    dtype: str
    device: str
    against: Path | None = None
    num_banks: int = 2


def make_sides(
    case: Case, names: tuple[str, ...] = ('ours', 'plain')
) -> dict[str, Callable[[], None]]:
    """A step of each side, on the same full banks."""
    slots, dtype, device, against, num_banks = case
    generator = torch.Generator().manual_seed(0)
    classes = CLASSES.get(slots, 60)
    labels = (torch.arange(slots) % classes)[torch.randperm(slots, generator=generator)]
    batches = []
    for _ in range(4):
        indices = torch.randperm(slots, generator=generator)[:N]
        z = torch.randn(num_banks, N, D, generator=generator)
        batches.append(tuple(x.to(device) for x in (z, labels[indices], indices)))
    banks = torch.empty(num_banks, slots, D)
    for start in range(0, slots, 1 << 16):
        part = torch.randn(num_banks, min(1 << 16, slots - start), D, generator=generator)
        banks[:, start : start + (1 << 16)] = F.normalize(part, dim=-1)
    labels = labels.to(device)
    losses: dict[str, list] = {}
    if 'ours' in names:
        losses['ours'] = [MemoryContrastLoss(D, KP, KN, bank_dtype=dtype) for _ in banks]
        for loss, bank in zip(losses['ours'], banks, strict=True):
            loss.to(device).bank.allocate(slots)
            loss.bank.features.copy_(bank)
            loss.bank.labels.copy_(labels)
    if 'plain' in names:
        losses['plain'] = [
            load_release(against, bank, labels) if against else PlainLoop(bank, labels)
            for bank in (bank.to(device).clone() for bank in banks)
        ]
    following = itertools.cycle(batches)

    def step(pair: list) -> None:
        z, batch_labels, indices = next(following)
        leaves = z.clone().requires_grad_()
        if isinstance(pair[0], MemoryContrastLoss):  # as the neck
            values = [value for value, _ in contrast(pair, leaves, batch_labels, indices)]
        else:
            values = [loss(z, batch_labels, indices) for loss, z in zip(pair, leaves, strict=True)]
        sum(values).backward()
        if device != 'cpu':
            torch.cuda.synchronize()

    return {name: (lambda pair=pair: step(pair)) for name, pair in losses.items()}


def measure_times(sides: dict[str, Callable[[], None]], repeats: int, plain: int) -> dict:
    """Median seconds of each side, in turn."""
    times: dict[str, list[float]] = {name: [] for name in sides}
    sides['ours']()
    for turn in range(repeats):
        for name, step in sides.items():
            if name != 'plain' or turn < plain:
                start = time.perf_counter()
                step()
                times[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in times.items()}


def resident() -> int:
    """Bytes of this process that are in memory."""
    with open('/proc/self/statm', encoding='ascii') as file:
        return int(file.read().split()[1]) * os.sysconf('SC_PAGE_SIZE')


def peak_of(step: Callable[[], None], device: str) -> int:
    """Bytes that a step adds at its peak."""
    if device != 'cpu':
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        step()
        return torch.cuda.max_memory_allocated() - before
    before, peak, done = resident(), 0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.is_set():
            peak = max(peak, resident())
            time.sleep(5e-4)

    watcher = threading.Thread(target=watch)
    watcher.start()
    step()
    done.set()
    watcher.join()
    return max(peak - before, 0)


def _measure_memory(name: str, case: Case) -> int:
    step = make_sides(case, (name,))[name]
    gc.collect()
    return peak_of(step, case.device)


def measure_memory(name: str, case: Case) -> int:
    """Peak of one side, in a separate process."""
    with multiprocessing.get_context('spawn').Pool(1) as pool:
        return pool.apply(_measure_memory, (name, case))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog='example:\n  python benchmarks/contrast.py --slots 40091 63026 --json contrast.json',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('--slots', type=int, nargs='+', default=list(CLASSES))
    parser.add_argument('--dtypes', nargs='+', default=['float32', 'float16'])
    parser.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu')
    parser.add_argument('--repeats', type=int, default=15)
    parser.add_argument('--plain-repeats', type=int, default=3, help='steps of the plain loop')
    parser.add_argument('--against', type=Path, metavar='FILE', help="the release's model/loss.py")
    parser.add_argument('--banks', type=int, choices=[1, 2], default=2, help='(default: 2)')
    parser.add_argument('--json', type=Path, help='write the figures to this file')
    args = parser.parse_args()
    rows = []
    where = f'{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}'
    print(f'{where}, N={N} D={D} K+={KP} K-={KN}, {args.banks} losses, device {args.device}')
    header = f'{"slots":>9} {"bank":>8} {"ours ms":>9} {"plain ms":>9} {"ratio":>7}'
    print(f'{header} {"ours MB":>8} {"plain MB":>9} {"ratio":>6} {"MB a bank":>10}')
    for slots in args.slots:
        for dtype in args.dtypes:
            plain = args.plain_repeats if slots <= 100_000 else 1
            case = Case(slots, dtype, args.device, args.against, args.banks)
            times = measure_times(make_sides(case), args.repeats, plain)
            peaks = {
                name: statistics.median(measure_memory(name, case) for _ in range(plain))
                for name in ('ours', 'plain')
            }
            row = {
                'slots': slots,
                'bank_dtype': dtype,
                'seconds': times,
                'time_ratio': times['plain'] / times['ours'],
                'peak_bytes': peaks,
                'memory_ratio': peaks['ours'] / peaks['plain'],
                'bank_bytes': slots * D * getattr(torch, dtype).itemsize,
            }
            rows.append(row)
            print(
                f'{slots:>9,} {dtype:>8} {times["ours"] * 1e3:>9.1f} {times["plain"] * 1e3:>9.1f} '
                f'{row["time_ratio"]:>7.1f} {peaks["ours"] / 1e6:>8.1f} '
                f'{peaks["plain"] / 1e6:>9.1f} {row["memory_ratio"]:>6.2f} '
                f'{row["bank_bytes"] / 1e6:>10.1f}',
                flush=True,
            )
    if args.json:
        args.json.write_text(json.dumps({'device': args.device, 'rows': rows}, indent=2) + '\n')


if __name__ == '__main__':
    main()
