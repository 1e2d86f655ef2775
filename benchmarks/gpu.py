"""Everything about csre_mm that only a GPU can tell, in one run of about ten minutes.

Prints tables for docs/contrast.md, docs/encoders.md and docs/gpu.md: a step of the contrast against
the plain loop and compiled, block selection against one topk, and training steps with and without
CSRE, in float32 and with --amp, with what waits for the GPU. Where something is slower than
expected, a profile follows. Figures are medians of runs in turn.
"""

import argparse
import statistics
import time
import warnings
from collections.abc import Callable, Iterable

import torch
from contrast import CLASSES, Case, D, N, make_sides, measure_memory, measure_times
from mmengine.registry import init_default_scope
from training_step import SLOTS, compare, make_step

from csre_mm.models import MemoryContrastLoss
from csre_mm.models.losses import pair_mining
from csre_mm.models.losses.contrast import contrast

ENCODERS = ('hcn', '2sagcn', 'ctrgcn', 'hyperformer', 'blockgcn', 'stgcn', 'stgcnpp', 'aagcn')
EXPECTED_FASTER, EXPECTED_MORE = 40, 1.10  # than the plain loop; of a training step with CSRE


def print_table(title: str, header: str, rows: Iterable[Iterable[object]]) -> None:
    """A table in Markdown, row by row."""
    columns = header.split(',')
    print(f'\n**{title}**\n\n| {" | ".join(columns)} |\n|{"---|" * len(columns)}', flush=True)
    try:
        for row in rows:
            print(f'| {" | ".join(map(str, row))} |', flush=True)
    except Exception as error:  # the next table may be measured all the same
        print(f'\nfailed: {type(error).__name__}: {error}', flush=True)


def milliseconds(call: Callable[[], object], device: str, repeats: int = 30) -> float:
    """The median time of a call after three for warming up."""
    times = []
    for _ in range(repeats + 3):
        start = time.perf_counter()
        call()
        if device != 'cpu':
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return statistics.median(times[3:]) * 1e3


def profile(call: Callable[[], object]) -> None:
    """What a call spends its time on."""
    with torch.profiler.profile() as profiler:
        call()
    print(f'\n```\n{profiler.key_averages().table(sort_by="self_cpu_time_total", row_limit=25)}```')


def contrast_rows(device: str, slots: list[int]) -> Iterable[tuple]:
    """Time and memory against the plain loop."""
    for size in slots:
        for dtype in ('float32', 'float16'):
            case = Case(size, dtype, device)
            times = measure_times(make_sides(case), 15, 3 if size < 100_000 else 1)
            ours, plain = (measure_memory(name, case) for name in times)
            ratio = times['plain'] / times['ours']
            seconds = [f'{times[name] * 1e3:.2f} ms' for name in times]
            memory = [f'{peak / 1e6:.0f} MB' for peak in (ours, plain)]
            yield f'{size:,}', dtype, *seconds, f'{ratio:.1f}', *memory
            if ratio < EXPECTED_FASTER:
                profile(make_sides(case, ('ours',))['ours'])


def compiled_rows(device: str, size: int) -> Iterable[tuple]:
    """A step as it is, and compiled in the modes of torch.compile."""
    labels = torch.arange(size, device=device) % CLASSES.get(size, 60)
    z, indices = torch.randn(N, D, device=device), torch.arange(N, device=device)
    for mode in ('eager', 'default', 'reduce-overhead'):
        losses = [MemoryContrastLoss(D, num_slots=size).to(device) for _ in range(2)]
        for loss in losses:
            loss.bank.write(torch.arange(size, device=device), z[labels % N], labels)
            if mode != 'eager':
                loss.compile(fullgraph=True, mode=mode)
        step = lambda losses=losses: contrast(losses, [z, z], labels[:N], indices)  # noqa: E731
        yield mode, f'{milliseconds(step, device):.2f} ms'


def selection_rows(device: str, size: int) -> Iterable[tuple]:
    """Blocks of several sizes; one as large as the bank is a plain topk."""
    similarities = torch.rand(2, 2, size, N, device=device)
    usual = pair_mining.BLOCK, pair_mining.GPU_BLOCK
    for block in (4, 8, 16, 32, size):
        pair_mining.BLOCK = pair_mining.GPU_BLOCK = block
        found = milliseconds(lambda: pair_mining.largest(similarities, 512), device)
        yield block if block < size else 'one topk', f'{found:.2f} ms'
    pair_mining.BLOCK, pair_mining.GPU_BLOCK = usual


def training_rows(device: str, names: list[str], batch: int) -> Iterable[tuple]:
    """A training step with CSRE and without, and how often it waits for the GPU."""
    for name in names:
        for amp in (False, True):
            row = compare(f'{name}_ntu60', batch, 10, device, amp)
            step = make_step(f'csre_{name}_ntu60', batch, SLOTS['ntu60'], device, amp)
            step()
            with warnings.catch_warnings(record=True) as waits:
                warnings.simplefilter('always')
                if device != 'cpu':
                    torch.cuda.set_sync_debug_mode('warn')
                step()
                if device != 'cpu':
                    torch.cuda.set_sync_debug_mode('default')
            times = [f'{row[key] * 1e3:.1f} ms' for key in ('baseline_seconds', 'csre_seconds')]
            found = sum('synchroniz' in str(wait.message) for wait in waits)
            yield name, 'amp' if amp else 'float32', *times, f'{row["ratio"] - 1:+.1%}', found
            if row['ratio'] > EXPECTED_MORE:
                profile(step)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog='example:\n  python benchmarks/gpu.py | tee gpu.md',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('--device', default='cuda')
    parser.add_argument('--slots', type=int, nargs='+', default=list(CLASSES))
    parser.add_argument('--encoders', nargs='*', default=ENCODERS)
    parser.add_argument('--batch-size', type=int, default=64)
    args = parser.parse_args()
    init_default_scope('mmaction')
    device, size = args.device, args.slots[min(1, len(args.slots) - 1)]
    name = torch.cuda.get_device_name() if device != 'cpu' else 'CPU'
    print(f'{name}, torch {torch.__version__}, CUDA {torch.version.cuda}')
    header = 'slots,bank,csre_mm,plain loop,times faster,memory csre_mm,memory plain loop'
    print_table('A step of the contrast', header, contrast_rows(device, args.slots))
    header = 'encoder,precision,baseline,with CSRE,more,waits'
    rows = training_rows(device, args.encoders, args.batch_size)
    print_table(f'A training step, batch {args.batch_size}', header, rows)
    print_table('The selection of 512', 'block,time', selection_rows(device, size))
    print_table('A step, compiled', 'torch.compile,forward', compiled_rows(device, size))


if __name__ == '__main__':
    main()
