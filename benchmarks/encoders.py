"""A training step and an inference pass of each encoder, alone or in turn with another code.

A step is forward, cross entropy, backward and SGD with Nesterov momentum on random skeletons of the
config's shape; a pass is the forward in evaluation mode without gradients. Encoder and classifier
only: no data loader, no preprocessor, no CSRE (training_step.py measures what that adds).

``--against FILE.py`` names a Python file of your own with a function ``build(encoder, num_person,
num_classes)`` that returns the module to compare with; it takes the same skeletons (N, M, T, V, C)
and gives scores. The two run in turn, and the ratio is the median over the turns.
"""

import argparse
import json
import platform
import runpy
import statistics
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

import csre_mm  # noqa: F401  repairs the stack before anything else of it is imported
from csre_mm.datasets.input_shape import read_input_shape
from csre_mm.utils.machine import keep_freed_memory

# isort: split
from mmaction.registry import MODELS

CONFIGS = Path(__file__).parents[1] / 'configs'
KINDS = {
    'convolutions': 'convolution',
    'products': 'mm',
    'copies': 'copy cat fill',
    'normalisation': '_norm',
    'sums and scalings': 'add mul sum sub mean',
}
"""Kinds of operations, by parts of their names in PyTorch; what several have is of the first."""
FIVE = ['hcn', '2sagcn', 'ctrgcn', 'hyperformer', 'blockgcn']


class Classifier(nn.Module):
    """Encoder and head of a config.

    Args:
        cfg: The config.
    """

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        self.backbone = MODELS.build(cfg.model.backbone)
        self.head = MODELS.build(cfg.model.cls_head)

    def forward(self, x: Tensor) -> Tensor:
        """Classify skeletons (N, M, T, V, C)."""
        return self.head(self.backbone(x))


def make_runs(
    model: nn.Module, x: Tensor, labels: Tensor, amp: bool
) -> dict[str, Callable[[], None]]:
    """The training step and the inference pass of a model."""
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9, nesterov=True)
    device = x.device.type
    autocast = torch.autocast(device, torch.bfloat16 if device == 'cpu' else None, enabled=amp)
    scaler = torch.amp.GradScaler(device, enabled=amp and device == 'cuda')

    def train() -> None:
        model.train()
        optimizer.zero_grad()
        with autocast:
            scores = model(x)
        scaler.scale(F.cross_entropy(scores.float(), labels)).backward()
        scaler.step(optimizer)
        scaler.update()

    def infer() -> None:
        model.eval()
        with torch.no_grad(), autocast:
            model(x)

    return {'train': train, 'infer': infer}


def measure(runs: list[Callable[[], None]], repeats: int, device: str) -> list[list[float]]:
    """Seconds of each run in each turn; the first turn warms up and is not counted."""
    times: list[list[float]] = [[] for _ in runs]
    for turn in range(repeats + 1):
        for run, found in zip(runs, times, strict=True):
            start = time.perf_counter()
            run()
            if device == 'cuda':
                torch.cuda.synchronize()
            if turn:
                found.append(time.perf_counter() - start)
    return times


def compare(name: str, args: argparse.Namespace, build: Callable | None) -> dict:
    """One row of the table."""
    cfg = Config.fromfile(CONFIGS / f'{name}.py')
    init_default_scope('mmaction')
    torch.manual_seed(0)
    shape = read_input_shape(cfg).sample()[1:]  # (M, T, V, C)
    if args.frames:
        shape = shape[0], args.frames, *shape[2:]
    x = torch.randn(args.batch_size, *shape, device=args.device)
    classes = cfg.model.cls_head.num_classes
    labels = torch.randint(classes, (args.batch_size,), device=args.device)
    model = Classifier(cfg).to(args.device).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(x[:1])
    row: dict = {'config': name, 'parameters': sum(p.numel() for p in model.parameters())}
    row |= {'gmacs': counter.get_total_flops() / 2e9, 'batch_size': args.batch_size}
    models = [(torch.compile(model) if args.compile else model, args.amp)]
    if build is not None:
        reference = build(name.partition('_')[0], shape[0], classes).to(args.device)
        models.append((reference, args.amp and args.amp_both))
    runs = [make_runs(each, x, labels, amp) for each, amp in models]
    for kind in ('train', 'infer'):
        times = measure([run[kind] for run in runs], args.repeats, args.device)
        row[kind] = statistics.median(times[0])
        if build is not None:
            row[f'{kind}_reference'] = statistics.median(times[1])
            ratios = [theirs / ours for ours, theirs in zip(*times, strict=True)]
            row[f'{kind}_faster'] = statistics.median(ratios)
        if args.profile:
            row[f'{kind}_profile'] = describe_profile(runs[0][kind])
    return row


def describe_profile(run: Callable[[], None]) -> str:
    """Where the processor time of a run goes, in per cent by :data:`KINDS`."""
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        run()
    spent: Counter[str] = Counter()
    for event in profiler.key_averages():
        name = event.key.removeprefix('aten::')
        kinds = (kind for kind, parts in KINDS.items() if any(p in name for p in parts.split()))
        spent[next(kinds, 'others')] += event.self_cpu_time_total
    return ', '.join(f'{kind} {spent[kind] / spent.total():.0%}' for kind in [*KINDS, 'others'])


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog='example:\n  python benchmarks/encoders.py ctrgcn_ntu60 --batch-size 16 --amp',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    default = [f'{encoder}_ntu60' for encoder in FIVE]
    parser.add_argument('configs', nargs='*', default=default, help='baseline configs')
    parser.add_argument('--batch-size', type=int, default=16)
    parser.add_argument('--frames', type=int, help='frames in place of the config window')
    parser.add_argument('--repeats', type=int, default=5)
    parser.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu')
    parser.add_argument('--amp', action='store_true', help='half precision (CPU: bfloat16)')
    parser.add_argument('--amp-both', action='store_true', help='for the other code, too')
    parser.add_argument('--compile', action='store_true', help='torch.compile ours')
    parser.add_argument('--against', type=Path, metavar='FILE.py', help='the code to compare with')
    parser.add_argument('--profile', action='store_true', help='say where the time of ours goes')
    parser.add_argument('--json', type=Path, help='write the figures to this file')
    return parser.parse_args()


def main() -> None:
    """Measure and print."""
    args = parse_args()
    if args.device == 'cpu':
        keep_freed_memory()  # as the commands do
    build = runpy.run_path(str(args.against))['build'] if args.against else None
    print(f'{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}')
    head = f'{"config":<18} {"parameters":>10} {"GMACs":>6} {"train ms":>9} {"infer ms":>9}'
    print(head + ('   other: train ms  infer ms  ours faster: train  infer' if build else ''))
    rows = []
    for name in args.configs:
        row = compare(name, args, build)
        rows.append(row)
        line = (
            f'{name:<18} {row["parameters"]:>10,} {row["gmacs"]:>6.2f} '
            f'{row["train"] * 1e3:>9.0f} {row["infer"] * 1e3:>9.0f}'
        )
        if build:
            line += f'{row["train_reference"] * 1e3:>19.0f} {row["infer_reference"] * 1e3:>9.0f}'
            line += f'{row["train_faster"]:>20.2f} {row["infer_faster"]:>6.2f}'
        print(line, flush=True)
        for kind in ('train', 'infer') if args.profile else ():
            print(f'  {kind}: {row[f"{kind}_profile"]}', flush=True)
    if args.json:
        settings = {key: str(value) for key, value in vars(args).items()}
        args.json.write_text(json.dumps({'settings': settings, 'rows': rows}, indent=2) + '\n')


if __name__ == '__main__':
    main()
