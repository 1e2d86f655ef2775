"""Northwestern-UCLA: from the JSON files to the annotation pickle."""

import csre_mm_cli  # noqa: F401  first: Ctrl-C during the other imports is one line

import argparse

from csre_mm.datasets.annotations import check_pickle_path, save_annotations
from csre_mm.datasets.preparation.nw_ucla import build_nw_ucla
from csre_mm.datasets.preparation.raw_files import find_raw_files
from csre_mm.utils.cli import command, progress


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog='example:\n'
        '  python tools/data/prepare_nw_ucla.py all_sqe.zip data/skeleton/nw_ucla.pkl',
    )
    parser.add_argument('src', metavar='SRC', help='folder or zip of the JSON files')
    parser.add_argument('out', metavar='OUT.pkl', help='annotation pickle to write')
    return parser.parse_args()


@command
def main() -> None:
    """Read, split, write."""
    args = parse_args()
    out = check_pickle_path(args.out)
    files = find_raw_files([args.src], '.json')
    data = build_nw_ucla(progress(files, 'reading'))
    save_annotations(data, out)
    sizes = {split: len(names) for split, names in data['split'].items()}
    print(f'{out}: {len(data["annotations"]):,} sequences')
    for split, size in sizes.items():
        print(f'  {split:<9} {size:>5,}')
    copies = sizes['val'] - sizes['val_clean']
    print(f'{copies} sequences of val are copies of a training sequence and not in val_clean')


if __name__ == '__main__':
    main()
