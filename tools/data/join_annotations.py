"""Join annotation files of one skeleton, so that a model trains on several data sets."""

import csre_mm_cli  # noqa: F401  first: Ctrl-C during the other imports is one line

import argparse
from pathlib import Path

from csre_mm.datasets.annotations import check_pickle_path, load_annotations, save_annotations
from csre_mm.datasets.class_names import CLASS_NAMES
from csre_mm.datasets.joining import Part, join_annotations, join_classes
from csre_mm.utils.cli import command, name_files
from csre_mm.utils.errors import InputError
from csre_mm.utils.files import atomic_path, read_lines

EPILOG = """\
With NAME=FILE the names of the samples begin with NAME_, which keeps equal names apart. Splits of
one name become one. With --classes equal class names become one class, and OUT.txt has the list,
for data.class_names; without it, labels must mean the same in all files.

example:
  python tools/data/join_annotations.py both.pkl ntu=data/skeleton/ntu60_3d.pkl own=own.pkl \\
      --splits xsub_train=train xsub_val=test train=train test=test --classes ntu60 own.txt"""


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, epilog=EPILOG
    )
    parser.add_argument('out', metavar='OUT.pkl', help='annotation pickle to write')
    parser.add_argument('files', metavar='[NAME=]FILE', nargs='+', help='annotation pickles')
    parser.add_argument(
        '--splits', nargs='+', metavar='OLD=NEW', help='names of splits; others are left out'
    )
    parser.add_argument(
        '--classes',
        nargs='+',
        metavar='NAMES',
        help='for each file its class names: ntu60, ntu120, nwucla, utd_mhad, or a text file',
    )
    return parser.parse_args()


def read_splits(arguments: list[str] | None) -> dict[str, str] | None:
    """The new names of splits by the old ones."""
    if arguments is None:
        return None
    pairs = [argument.partition('=') for argument in arguments]
    for argument, (old, _, new) in zip(arguments, pairs, strict=True):
        if not old or not new:
            raise InputError(f'--splits {argument}: expected OLD=NEW')
    return {old: new for old, _, new in pairs}


@command
def main() -> None:
    """Read, join, write."""
    args = parse_args()
    out, splits = check_pickle_path(args.out), read_splits(args.splits)
    files = name_files(args.files, 'file')
    maps: list = [None] * len(files)
    if args.classes is not None:
        if len(args.classes) != len(files):
            raise InputError(
                f'--classes names {len(args.classes)} lists, expected one for each of '
                f'{len(files)} files'
            )
        if any(out.with_suffix('.txt').resolve() == Path(name).resolve() for name in args.classes):
            raise InputError(f'--classes {out.with_suffix(".txt")} would be overwritten')
        lists = [CLASS_NAMES.get(name) or read_lines(name, 'class names') for name in args.classes]
        names, maps = join_classes(lists)
    prefixes = [
        f'{name}_' if '=' in arg else '' for name, arg in zip(files, args.files, strict=True)
    ]
    parts = [
        Part(load_annotations(file), file, prefix, classes)
        for file, prefix, classes in zip(files.values(), prefixes, maps, strict=True)
    ]
    data = join_annotations(parts, splits)
    save_annotations(data, out)
    print(f'{out}: {len(data["annotations"]):,} samples of {len(files)} files')
    for split, members in data['split'].items():
        print(f'  {split}: {len(members):,}')
    if args.classes is not None:
        with atomic_path(out.with_suffix('.txt')) as path:
            path.write_text('\n'.join(names) + '\n', encoding='utf-8')
        print(f'The names of {len(names)} classes are in {out.with_suffix(".txt")}.')


if __name__ == '__main__':
    main()
