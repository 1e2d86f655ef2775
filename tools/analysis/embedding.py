"""Write the features of a split, and draw them in two dimensions with the classes' silhouettes."""

import csre_mm_cli  # noqa: F401  first: Ctrl-C during the other imports is one line

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

import csre_mm  # noqa: F401  repairs the stack before anything else of it is imported
from csre_mm.apis import (
    SkeletonInferencer,
    extract_features,
    load_stfd,
    save_features,
)
from csre_mm.apis.data_settings import read_config_of
from csre_mm.apis.features import Features, find_samples
from csre_mm.evaluation.embedding import METHODS, check_method, class_means, embed, silhouettes
from csre_mm.utils.checkpoints import read_state_dict
from csre_mm.utils.cli import add_class_names, add_config_options, check_suffix, command, progress
from csre_mm.utils.errors import InputError
from csre_mm.utils.optional import require
from csre_mm.visualization.embedding_figure import MOST_CLASSES, draw_embedding, draw_silhouettes
from csre_mm.visualization.figures import check_figure

EPILOG = """\
The features are the encoder's feature map averaged over persons, frames and joints and, if the
checkpoint was trained with CSRE, the spatial z_s and the temporal z_t that it contrasts.

example:
  python tools/analysis/embedding.py configs/csre_ctrgcn_nwucla.py epoch_65.pth --split val_clean \\
      --method tsne --out features.npz --figure embedding.pdf --silhouette silhouette.pdf
"""


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument(
        '--split',
        default='test',
        help="train, val or test: that of the config's loader; or a split of the annotation file "
        'that the config tests with (default: %(default)s)',
    )
    parser.add_argument('--out', type=Path, metavar='FILE', help='features: .npz')
    parser.add_argument(
        '--figure', type=Path, metavar='FILE', help='the samples: .png, .pdf or .svg'
    )
    parser.add_argument(
        '--silhouette', type=Path, metavar='FILE', help='of each class: .png, .pdf or .svg'
    )
    parser.add_argument('--method', choices=METHODS, default='pca', help='(default: %(default)s)')
    parser.add_argument('--seed', type=int, default=0, help='of t-SNE and UMAP (default: 0)')
    parser.add_argument(
        '--points',
        type=int,
        default=5000,
        metavar='N',
        help='samples in the figures, evenly taken (default: %(default)s)',
    )
    parser.add_argument(
        '--classes-shown',
        type=int,
        nargs='+',
        metavar='LABEL',
        help=f'labels to tell apart, at most {MOST_CLASSES} (default: the first ones)',
    )
    add_class_names(parser)
    parser.add_argument('--device', default='cpu', help='cpu, cuda, cuda:1, ... (default: cpu)')
    parser.add_argument('--batch-size', type=int, help="samples in a batch (default: the config's)")
    add_config_options(parser, 'change the config, as for tools/test.py')
    return parser.parse_args()


def check_args(args: argparse.Namespace) -> None:
    """Refuse what cannot be done before the long work."""
    if not (args.out or args.figure or args.silhouette):
        raise InputError('nothing to write: give --out, --figure or --silhouette')
    check_suffix('--out', args.out, '.npz')
    for figure in filter(None, (args.figure, args.silhouette)):
        check_figure(figure)
    if args.figure is not None:
        check_method(args.method)
    if args.silhouette is not None:
        require('sklearn', 'analysis', '--silhouette')
    if args.points < 4:
        raise InputError(f'--points is {args.points}, expected at least 4')
    shown = args.classes_shown or []
    if len(set(shown)) > MOST_CLASSES:
        raise InputError(f'--classes-shown has {len(set(shown))}, expected at most {MOST_CLASSES}')


def choose_classes(labels: np.ndarray, given: Sequence[int] | None) -> list[int]:
    """Labels to tell apart: the given ones, or the first of those that occur."""
    occurring = np.unique(labels).tolist()
    absent = sorted(set(given or []) - set(occurring))
    if absent:
        raise InputError(f'--classes-shown: no sample is of the class {absent[0]}')
    return sorted(set(given)) if given else occurring[:MOST_CLASSES]


def measure(features: Features) -> dict[str, np.ndarray] | None:
    """Silhouettes of the samples by kind; None without scikit-learn, or with too few classes."""
    try:
        return {k: silhouettes(values, features.labels) for k, values in features.kinds.items()}
    except InputError as error:
        print(f'No silhouettes: {error}')
        return None


def draw(args: argparse.Namespace, features: Features, class_names: Sequence[str]) -> None:
    """Draw the figures, of at most ``--points`` samples."""
    shown, largest = choose_classes(features.labels, args.classes_shown), features.labels.max()
    if largest >= len(class_names):
        raise InputError(f'a sample has the label {largest}, there are {len(class_names)} classes')
    places = np.linspace(0, len(features.names) - 1, min(args.points, len(features.names)))
    places = places.round().astype(np.int64)
    kinds = {kind: values[places] for kind, values in features.kinds.items()}
    part = Features([features.names[i] for i in places], features.labels[places], kinds)
    found = measure(part)
    overall = {kind: float(values.mean()) for kind, values in (found or {}).items()}
    for kind, mean in overall.items():
        print(f'{kind:8} mean silhouette {mean:+.3f}')
    if args.figure is not None:
        points = {
            kind: embed(values, args.method, args.seed)
            for kind, values in progress(kinds.items(), args.method)
        }
        draw_embedding(points, part.labels, shown, class_names, args.figure, overall)
        print(f'The figure is in {args.figure}.')
    if args.silhouette is not None:
        if found is None:
            raise InputError(f'--silhouette {args.silhouette} was not drawn, see above')
        means = {kind: class_means(values, part.labels) for kind, values in found.items()}
        draw_silhouettes(means, overall, class_names, args.silhouette)
        print(f'The silhouettes are in {args.silhouette}.')


@command
def main() -> None:
    """Compute, write, draw."""
    args = parse_args()
    check_args(args)
    cfg = read_config_of(args)
    recordings = find_samples(cfg, args.split)
    inferencer = SkeletonInferencer(
        cfg, args.checkpoint, args.device, args.classes, args.batch_size
    )
    stfd = load_stfd(read_state_dict(args.checkpoint))
    if stfd is None:
        print(f'{args.checkpoint} has no neck of CSRE: features of the encoder only.')
    else:
        stfd.to(next(inferencer.model.parameters()).device)
    features = extract_features(inferencer, stfd, recordings, partial(progress, what='features'))
    shapes = ', '.join(f'{kind} {values.shape[1]}' for kind, values in features.kinds.items())
    print(
        f'{len(features.names)} samples of {len(set(features.labels.tolist()))} classes: {shapes}'
    )
    if args.out is not None:
        save_features(features, args.out)
        print(f'The features are in {args.out}.')
    if args.figure is not None or args.silhouette is not None:
        draw(args, features, inferencer.class_names)


if __name__ == '__main__':
    main()
