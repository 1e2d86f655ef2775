"""Write the metafiles, the table of README.md and those of docs/results.md from docs/results."""

import csre_mm_cli  # noqa: F401  first: Ctrl-C during the other imports is one line

import argparse
from pathlib import Path

import yaml

import csre_mm  # noqa: F401  repairs the stack before anything else of it is imported
from csre_mm.experiments.results import load_results
from csre_mm.utils.cli import command
from csre_mm.utils.errors import InputError
from csre_mm.utils.files import atomic_path
from csre_mm.utils.project import ROOT
from results_pages.metafile import RESULTS, make_metafiles, write_metafile
from results_pages.pages import fill_blocks, missing_table, overview, result_tables

EPILOG = """\
docs/results has the files of tools/benchmark_runs.py --out. Add one, name it in docs/results.md
between marks, and call this command:

  <!-- results: NAME -->
  <!-- end of results -->
"""
INDEX = 'model-index.yml'


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


def make_pages(root: Path) -> dict[Path, str]:
    """What all files should hold."""
    published = {path.name: load_results(path) for path in sorted((root / RESULTS).glob('*.json'))}
    metafiles = make_metafiles(published, root)
    pages = {
        root / 'configs' / encoder / 'metafile.yml': write_metafile(content)
        for encoder, content in metafiles.items()
    }
    imports = [str(path.relative_to(root)) for path in pages]
    pages[root / INDEX] = yaml.safe_dump({'Import': imports}, sort_keys=False)
    tables = {Path(name).stem: result_tables(results) for name, results in published.items()}
    tables['overview'] = overview(metafiles)
    tables['missing'] = missing_table(published.values())
    for page in (root / 'README.md', root / 'docs' / 'results.md'):
        pages[page] = fill_blocks(page.read_text(encoding='utf-8'), tables, page.name)
    return pages


@command
def main() -> None:
    """Write or check the files."""
    args = parse_args()
    pages = make_pages(args.root)
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


if __name__ == '__main__':
    main()
