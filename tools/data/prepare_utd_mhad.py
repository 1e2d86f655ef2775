"""UTD-MHAD: from the MATLAB files of the skeletons to the annotation pickle."""

import csre_mm_cli  # noqa: F401  first: Ctrl-C during the other imports is one line

import argparse

from csre_mm.datasets.annotations import check_pickle_path, save_annotations
from csre_mm.datasets.preparation.raw_files import find_raw_files
from csre_mm.datasets.preparation.utd_mhad import SUFFIX, build_utd_mhad
from csre_mm.utils.cli import command, progress


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog='example:\n'
        '  python tools/data/prepare_utd_mhad.py Skeleton.zip data/skeleton/utd_mhad.pkl',
    )
    parser.add_argument('src', metavar='SRC', help=f'folder or zip of the *{SUFFIX} files')
    parser.add_argument('out', metavar='OUT.pkl', help='annotation pickle to write')
    return parser.parse_args()


@command
def main() -> None:
    """Read, split, write."""
    args = parse_args()
    out = check_pickle_path(args.out)
    files = find_raw_files([args.src], SUFFIX)
    data = build_utd_mhad(progress(files, 'reading'))
    save_annotations(data, out)
    print(f'{out}: {len(data["annotations"]):,} sequences')
    for split, names in data['split'].items():
        print(f'  {split:<5} {len(names):>5,}')


if __name__ == '__main__':
    main()
