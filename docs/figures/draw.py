"""Draw the figures of README.md and docs/architecture.md: ``python docs/figures/draw.py``."""

import ast
from collections.abc import Iterator
from pathlib import Path

import matplotlib

matplotlib.use('svg')
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
GREY, BLUE, VERMILION, GREEN = '#444444', '#0072B2', '#D55E00', '#009E73'

ROOMS = {
    'utils': 'errors, files, checkpoints, config',
    'datasets': 'layouts, readers, transforms,\npreparation, checks',
    'models': 'recognizers, necks, losses,\nencoders, conversion',
    'engine': 'runner, hooks',
    'evaluation': 'numbers: scores, fusion,\nsignificance, bank health',
    'apis': 'what the commands do',
    'visualization': 'figures, animation, report',
    'experiments': 'paired runs over seeds',
}
"""The packages of csre_mm from the lowest to the highest: imports go downwards only."""


def imports(package: Path = ROOT / 'csre_mm') -> Iterator[tuple[Path, str, str]]:
    """File, package of the file, and package that it imports, for each import within csre_mm."""
    for path in sorted(package.rglob('*.py')):
        parts = path.relative_to(package).parts
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
            names = []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [f'{node.module}.{alias.name}' for alias in node.names]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            for name in names:
                target = name.split('.')
                if target[0] == 'csre_mm' and len(target) > 1 and target[1] in ROOMS:
                    yield path, parts[0], target[1]


def box(
    axes: Axes,
    x: float,
    y: float,
    width: float,
    height: float,
    text: str,
    colour: str = GREY,
    small: str = '',
    dashed: bool = False,
) -> None:
    """A box with a title and a smaller line below it; (x, y) is its middle."""
    corner = x - width / 2, y - height / 2
    patch = FancyBboxPatch(
        corner,
        width,
        height,
        boxstyle='round,pad=0,rounding_size=0.12',
        edgecolor=colour,
        facecolor='white',
        lw=1.3,
        ls='--' if dashed else '-',
        zorder=2,
    )
    axes.add_patch(patch)
    lines = small.count('\n') + 1 if small else 0
    up = (0.0, 0.14, 0.2)[lines]
    axes.text(x, y + up, text, ha='center', va='center', color=colour, fontsize=9.5, zorder=3)
    if small:
        axes.text(x, y - 0.16, small, ha='center', va='center', color=GREY, fontsize=6.8, zorder=3)


def arrow(
    axes: Axes,
    start: tuple[float, float],
    end: tuple[float, float],
    colour: str = GREY,
    bend: float = 0.0,
    width: float = 1.2,
) -> None:
    """An arrow between two points."""
    style = f'arc3,rad={bend}'
    patch = FancyArrowPatch(
        start,
        end,
        arrowstyle='-|>',
        mutation_scale=9,
        color=colour,
        lw=width,
        connectionstyle=style,
        shrinkA=0,
        shrinkB=0,
        zorder=1,
    )
    axes.add_patch(patch)


def canvas(width: float, height: float) -> tuple[Figure, Axes]:
    """A figure whose axes count in units of 0.72 inch from the lower left corner."""
    figure = Figure((0.72 * width, 0.72 * height))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, width)
    axes.set_ylim(0, height)
    axes.set_axis_off()
    return figure, axes


def draw_method() -> Figure:
    """Encoder and classifier, and below them what CSRE adds to training."""
    figure, axes = canvas(12.4, 5.4)
    axes.add_patch(
        FancyBboxPatch(
            (2.2, 0.25),
            9.95,
            3.45,
            boxstyle='round,pad=0,rounding_size=0.2',
            facecolor='#FBF3EC',
            edgecolor=VERMILION,
            lw=1,
            ls='--',
            zorder=0,
        )
    )
    note = 'CSRENeck: in training only; tests and published models are without it'
    axes.text(12.0, 0.47, note, color=VERMILION, fontsize=8, va='center', ha='right')
    box(axes, 1.2, 4.65, 1.9, 0.95, 'skeletons', small='(N, M, T, V, 3)')
    box(axes, 4.0, 4.65, 1.9, 0.95, 'encoder', small='any of nine')
    box(axes, 7.2, 4.65, 2.3, 0.95, 'feature map', small="(N, M, C', T', V')")
    box(axes, 10.6, 4.65, 2.5, 0.95, 'classifier', small='cross entropy')
    for start, end in ((2.15, 3.05), (4.95, 6.05), (8.35, 9.35)):
        arrow(axes, (start, 4.65), (end, 4.65))
    box(axes, 3.5, 2.0, 2.0, 1.0, 'STFD', VERMILION, 'decomposes the\nfeature map')
    axes.plot([7.2, 7.2, 3.5, 3.5], [4.17, 3.42, 3.42, 2.7], color=VERMILION, lw=1.2, zorder=1)
    arrow(axes, (3.5, 2.8), (3.5, 2.52), VERMILION)
    rows = ((2.8, BLUE, 'z_s', 'spatial'), (1.2, GREEN, 'z_t', 'temporal'))
    for y, colour, z, name in rows:
        pooled = 'mean over frames' if z == 'z_s' else 'mean over joints'
        box(axes, 5.95, y, 1.45, 0.85, z, colour, pooled)
        box(axes, 8.2, y, 2.0, 0.85, f'{name} bank', colour, 'a slot per training sample')
        box(
            axes,
            10.95,
            y,
            1.95,
            0.85,
            'contrast',
            colour,
            'hard positives, hard\nand random negatives',
        )
        arrow(axes, (4.52, 2.0 + 0.25 * (1 if y > 2 else -1)), (5.21, y), colour)
        arrow(axes, (6.69, y), (7.18, y), colour)
        arrow(axes, (9.22, y), (9.95, y), colour)
    return figure


def draw_rooms() -> Figure:
    """The packages of csre_mm and the imports between them."""
    names = list(ROOMS)
    found = {(source, target) for _, source, target in imports() if source in ROOMS}
    found = {(source, target) for source, target in found if source != target}
    gap = 1.15
    figure, axes = canvas(10.4, gap * len(names) + 1.6)
    places = {name: 0.75 + gap * row for row, name in enumerate(names)}
    for name, text in ROOMS.items():
        box(axes, 5.2, places[name], 3.0, 0.8, name, BLUE, text)
    top = gap * len(names) + 0.9
    box(axes, 5.2, top, 3.0, 0.8, 'tools, csre-mm', VERMILION, 'arguments and output')
    arrow(axes, (5.2, top - 0.4), (5.2, places[names[-1]] + 0.42), VERMILION)
    for source, target in sorted(found):
        steps = names.index(source) - names.index(target)
        start, end = places[source], places[target]
        if steps == 1:
            arrow(axes, (5.2, start - 0.4), (5.2, end + 0.42))
            continue
        side = 1 if steps % 2 else -1
        x = 5.2 + side * 1.5
        arrow(axes, (x, start - 0.05 * steps), (x, end + 0.05 * steps), GREY, side * -0.42, 0.8)
    return figure


def main() -> None:
    """Write both figures into the folder of this file, text as text, without a date."""
    matplotlib.rcParams.update({'svg.fonttype': 'none', 'svg.hashsalt': 'csre_mm'})
    for name, figure in (('csre.svg', draw_method()), ('rooms.svg', draw_rooms())):
        figure.savefig(HERE / name, metadata={'Date': None})


if __name__ == '__main__':
    main()
