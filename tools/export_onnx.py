"""Export a trained recognizer to ONNX, or with torch.export, and check it against PyTorch."""

import csre_mm_cli  # noqa: F401  first: Ctrl-C during the other imports is one line

import argparse
import os
import statistics
import time

import torch
from rich.console import Console

import csre_mm  # noqa: F401  repairs the stack before anything else of it is imported
from csre_mm.apis.data_settings import read_config_of
from csre_mm.apis.export import LEAST_FRAMES, Exporter, Scorer, find_format, load_scorer
from csre_mm.utils.cli import add_config_options, command
from csre_mm.utils.machine import keep_freed_memory
from csre_mm.utils.tables import format_table

EPILOG = """\
The graph is encoder and head: from clips (N, M persons, T frames, V joints, C channels) of any
number N (and T, with --free-frames), or heatmaps (N, V, T, H, W), to scores before the softmax
(N, classes). The preprocessor stays outside: what enters is the stream that the model was trained
on. The config of the test is in the file.

examples:
  python tools/export_onnx.py configs/csre_ctrgcn_ntu60.py \\
      work_dirs/csre_ctrgcn_ntu60/epoch_65.pth ctrgcn.onnx
  python tools/export_onnx.py configs/csre_ctrgcn_ntu60.py \\
      work_dirs/csre_ctrgcn_ntu60/epoch_65.pth ctrgcn.pt2
"""
CONSOLE = Console(stderr=True)
BATCHES = (1, 16)


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='config file, with CSRE or without')
    parser.add_argument('checkpoint', metavar='CKPT', help='checkpoint of it, published or not')
    parser.add_argument('out', metavar='OUT', help='file to write: .onnx, or .pt2 of torch.export')
    parser.add_argument(
        '--tolerance',
        type=float,
        default=1e-4,
        metavar='X',
        help='largest difference to PyTorch, over the largest score (default: %(default)s)',
    )
    parser.add_argument(
        '--rounds',
        type=int,
        default=10,
        metavar='N',
        help='runs of which the median is the latency; 0 to leave it out (default: %(default)s)',
    )
    parser.add_argument(
        '--free-frames',
        action='store_true',
        help='take any number of frames T, if the encoder does (HCN does not); needs torch 2.9',
    )
    add_config_options(parser, 'change the config, as for tools/train.py')
    args = parser.parse_args()
    if not args.tolerance > 0:
        parser.error(f'--tolerance is {args.tolerance}, expected a number above 0')
    if args.rounds < 0:
        parser.error(f'--rounds is {args.rounds}, expected at least 0')
    return args


def measure(exporter: Exporter, scorer: Scorer, clips: torch.Tensor, rounds: int) -> list[float]:
    """Median milliseconds of a batch in PyTorch and in the exported graph, measured in turn."""
    times: tuple[list[float], list[float]] = ([], [])
    for turn in range(rounds + 1):
        for run, found in zip((exporter.scores, scorer), times, strict=True):
            start = time.perf_counter()
            run(clips)
            if turn:  # the first is to warm up
                found.append(1e3 * (time.perf_counter() - start))
    return [statistics.median(found) for found in times]


def make_table(exporter: Exporter, out: str, format: str, rounds: int) -> str:
    """The latencies, a row per batch."""
    scorer = load_scorer(out, format)
    runtime = 'onnxruntime' if format == 'onnx' else 'torch.export'
    rows = []
    for count in BATCHES:
        pytorch, exported = measure(exporter, scorer, exporter.clips(count), rounds)
        numbers = (pytorch, exported, pytorch / exported)
        rows.append([str(count), *(f'{number:.2f}' for number in numbers)])
    header = ['clips', 'PyTorch, ms', f'{runtime}, ms', 'PyTorch / exported']
    return format_table(header, rows, left=())


@command
def main() -> None:
    """Export, check, measure."""
    args = parse_args()
    format = find_format(args.out)
    exporter = Exporter(read_config_of(args), args.checkpoint, args.free_frames)
    start = time.monotonic()
    with CONSOLE.status('tracing the graph'):
        program = exporter.trace()
    with CONSOLE.status('writing and checking'):
        differences = exporter.write(program, args.out, format, args.tolerance)
    size, seconds = os.path.getsize(args.out) / 1e6, time.monotonic() - start
    first, frames, *rest = exporter.shape
    shape = ', '.join(map(str, (first, 'T' if args.free_frames else frames, *rest)))
    free = f'number N, and T from {LEAST_FRAMES} on' if args.free_frames else 'number N'
    print(f'{args.out}: {size:.2f} MB in {seconds:.0f} s; takes clips (N, {shape}) of any {free}')
    for count, difference in differences.items():
        print(f'{count} clips: differs from PyTorch by {difference:.1e} of the largest score')
    if args.rounds:
        keep_freed_memory()  # as in training and testing on a CPU
        with CONSOLE.status('measuring'):
            table = make_table(exporter, args.out, format, args.rounds)
        print(f'\n{table}\n')
        print(
            f'Medians of {args.rounds} runs in turn on the CPU, threads: {torch.get_num_threads()}.'
        )


if __name__ == '__main__':
    main()
