"""Write the metafiles, the table of README.md and those of docs/results.md from docs/results."""

import csre_mm_cli  # noqa: F401  first: Ctrl-C during the other imports is one line

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

import csre_mm  # noqa: F401  repairs the stack before anything else of it is imported
from csre_mm.experiments.results import Results, load_results
from csre_mm.utils.cli import command
from csre_mm.utils.errors import InputError
from csre_mm.utils.files import atomic_path
from csre_mm.utils.project import ROOT
from csre_mm.visualization.forest_figure import ForestRow, draw_forest
from results_pages.grid import PREFIX, Change, pooled_changes
from results_pages.metafile import RESULTS, make_metafiles, write_metafile
from results_pages.pages import (
    change_table,
    experiment_tables,
    fill_blocks,
    missing_table,
    overview,
    result_tables,
)

EPILOG = """\
docs/results has the files of tools/benchmark_runs.py --out. Add one, name it in docs/results.md
between marks, and call this command:

  <!-- results: NAME -->
  <!-- end of results -->
"""
INDEX = 'model-index.yml'
FIGURE = 'docs/images/forest.svg'
VARIANTS = {'csre': 'CSRE as shipped', 'paper': 'CSRE with the settings of the paper'}
"""Those of the protocol in docs/results.md, and how they are named in its figure."""


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--root', type=Path, default=ROOT, help='folder of the project')
    parser.add_argument(
        '--check', action='store_true', help='change nothing; status 2 if something would change'
    )
    return parser.parse_args()


def grid_of(published: Mapping[str, Results]) -> list[Results]:
    """The results of the protocol."""
    return [results for name, results in published.items() if name.startswith(PREFIX)]


def read_grid(published: Mapping[str, Results]) -> list[Change]:
    """What they have shown so far."""
    return [row for variant in VARIANTS for row in pooled_changes(grid_of(published), variant)]


def draw_grid(changes: Sequence[Change], path: Path) -> None:
    """The figure of docs/results.md: a panel for each variant."""
    panels: dict[str, dict[str, list[ForestRow]]] = {}
    for row in changes:
        total = len(row.data) > 1
        label = 'both' if total else row.data[0]
        mean, low, high = (100 * value for value in (row.mean, row.low, row.high))
        groups = panels.setdefault(VARIANTS[row.variant], {})
        groups.setdefault(row.encoder, []).append(ForestRow(label, mean, low, high, total))
    draw_forest(panels, 'Change of top-1 over the encoder alone (percentage points)', path)


def make_pages(
    published: Mapping[str, Results], changes: Sequence[Change], root: Path
) -> dict[Path, str]:
    """What all files but the figure should hold."""
    metafiles = make_metafiles(published, root)
    pages = {
        root / 'configs' / encoder / 'metafile.yml': write_metafile(content)
        for encoder, content in metafiles.items()
    }
    imports = [str(path.relative_to(root)) for path in pages]
    pages[root / INDEX] = yaml.safe_dump({'Import': imports}, sort_keys=False)
    tables = {Path(name).stem: result_tables(results) for name, results in published.items()}
    tables['answer'] = change_table(changes)
    totals = [row for row in changes if len(row.data) > 1]
    tables['verdict'] = change_table(
        row for row in totals if row.variant == 'csre' or row.encoder.startswith('mean of')
    )
    tables['experiments'] = experiment_tables(grid_of(published))
    tables['overview'] = overview(metafiles)
    tables['missing'] = missing_table(published.values())
    for page in (root / 'README.md', root / 'docs' / 'results.md'):
        pages[page] = fill_blocks(page.read_text(encoding='utf-8'), tables, page.name)
    return pages


@command
def main() -> None:
    """Write or check the files."""
    args = parse_args()
    files = sorted((args.root / RESULTS).glob('*.json'))
    published = {path.name: load_results(path) for path in files}
    changes = read_grid(published)
    pages = make_pages(published, changes, args.root)
    changed = [
        path
        for path, text in pages.items()
        if not path.is_file() or path.read_text(encoding='utf-8') != text
    ]
    if args.check:
        if changed:
            names = ', '.join(str(path.relative_to(args.root)) for path in changed)
            raise InputError(f'not as docs/results says: {names}; call tools/write_results.py')
        return
    for path in changed:
        with atomic_path(path) as temporary:
            temporary.write_text(pages[path], encoding='utf-8')
        print(f'wrote {path.relative_to(args.root)}')
    if changes:
        draw_grid(changes, args.root / FIGURE)


if __name__ == '__main__':
    main()
