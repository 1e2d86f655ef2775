"""Classify recordings; show the answers over time, and with the moving skeleton."""

import csre_mm_cli  # noqa: F401  first: Ctrl-C during the other imports is one line

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import Progress

import csre_mm  # noqa: F401  repairs the stack before anything else of it is imported
from csre_mm.apis import Recording, SkeletonInferencer, find_recordings
from csre_mm.apis.data_settings import read_config_of
from csre_mm.apis.prediction import Answer, Prediction, captions, format_score
from csre_mm.apis.recordings import Recordings
from csre_mm.apis.windows import split_persons
from csre_mm.datasets.layouts import SkeletonLayout, get_layout
from csre_mm.utils.cli import add_class_names, add_config_options, check_suffix, command, write_json
from csre_mm.utils.errors import InputError, printable
from csre_mm.visualization import draw_animation, draw_timeline
from csre_mm.visualization.figures import check_figure
from csre_mm.visualization.skeleton_animation import check_movie

EPILOG = """\
INPUT is a .skeleton of NTU RGB+D, an .npy (persons, frames, joints, coordinates) or (frames,
joints, coordinates) in metres, a .json of NW-UCLA, a .mat of UTD-MHAD, an annotation .pkl, a folder
of these, or a .zip of raw files. Of an .npy with more persons than the model takes, those who move
most are taken.
Files that cannot be classified are named, the others are classified, and the status is 2.

examples:
  python tools/predict.py configs/csre_ctrgcn_ntu60.py epoch_65.pth S001C002P003R002A013.skeleton
  python tools/predict.py configs/csre_ctrgcn_ntu60.py epoch_65.pth long.npy \\
      --window 64 --stride 16 --timeline timeline.pdf --gif answer.gif
  python tools/predict.py configs/csre_ctrgcn_nwucla.py epoch_65.pth data/skeleton/nw_ucla.pkl \\
      --split val --json answers.json
"""
MOST_DRAWN = 20  # recordings that a command draws
MOST_NAMED = 10  # inputs that cannot be classified and are named
NAME_WIDTH = 44  # characters of the name of a recording in the table


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file, a published one too')
    parser.add_argument('input', metavar='INPUT', type=Path, help='what to classify')
    parser.add_argument('--split', help='split of an annotation pickle (default: all samples)')
    add_class_names(parser, 'those of the data set of the config')
    parser.add_argument(
        '--top-k', type=int, metavar='K', help='classes to show (default: 5, of several answers 1)'
    )
    parser.add_argument('--device', default='cpu', help='cpu, cuda, cuda:1, ... (default: cpu)')
    parser.add_argument('--batch-size', type=int, help="clips in a batch (default: the config's)")
    parser.add_argument('--window', type=int, metavar='FRAMES', help='answer for each window')
    parser.add_argument(
        '--stride', type=int, metavar='FRAMES', help='from window to window (default: a quarter)'
    )
    parser.add_argument(
        '--per-person', action='store_true', help='answer for each person, as if alone'
    )
    parser.add_argument('--json', type=Path, metavar='FILE', help='all scores')
    parser.add_argument(
        '--timeline', type=Path, metavar='FILE', help='answers over time: .png, .pdf or .svg'
    )
    parser.add_argument('--gif', type=Path, metavar='FILE', help='moving skeletons and answers')
    parser.add_argument('--mp4', type=Path, metavar='FILE', help='the same as a film; needs ffmpeg')
    parser.add_argument(
        '--latency', action='store_true', help='play the input as a stream and measure the answers'
    )
    add_config_options(parser, 'change the config, as for tools/test.py')
    return parser.parse_args()


def check_outputs(args: argparse.Namespace, num_recordings: int) -> None:
    """Refuse what cannot be written before the long work."""
    check_suffix('--json', args.json, '.json')
    if args.timeline is not None:
        check_figure(args.timeline)
        if args.window is None:
            raise InputError('--timeline needs --window FRAMES')
    for flag, suffix in (('gif', '.gif'), ('mp4', '.mp4')):
        check_suffix(f'--{flag}', getattr(args, flag), suffix)
    if args.mp4 is not None:
        check_movie(args.mp4)
    if (args.timeline or args.gif or args.mp4) and num_recordings > MOST_DRAWN:
        raise InputError(
            f'{args.input}: {num_recordings} recordings, figures are drawn of {MOST_DRAWN} at most'
        )
    if args.latency and num_recordings > 1:
        raise InputError(f'--latency: {num_recordings} recordings, expected one')


def classify(
    inferencer: SkeletonInferencer, recordings: Recordings, args: argparse.Namespace
) -> tuple[list[Prediction], int]:
    """The predictions, and the number of inputs that have none."""
    failed: list[InputError] = []

    def on_error(error: InputError) -> None:
        if len(recordings) == 1:
            raise error
        failed.append(error)
        if len(failed) <= MOST_NAMED:
            sys.stderr.write(
                f'{printable(str(error))}\n' if len(failed) < MOST_NAMED else '... and more\n'
            )

    predictions = []
    single = len(recordings) == 1 and args.window is None
    top_k = args.top_k if args.top_k is not None else 5 if single else 1
    with Progress(console=Console(stderr=True), disable=len(recordings) == 1) as progress:
        task = progress.add_task('recordings', total=len(recordings))
        found = inferencer.iterate(recordings, top_k, args.window, args.stride, on_error)
        for prediction in found:
            predictions.append(prediction)
            progress.advance(task, float(prediction.start == 0))
    return predictions, len(failed)


def make_table(
    predictions: Sequence[Prediction], class_names: Sequence[str], windows: bool
) -> Iterator[str]:
    """Lines of the table: a line an answer."""
    width = min(NAME_WIDTH, max((len(p.name) for p in predictions), default=6))
    width = max(width, len('recording'))
    yield f'{"recording":{width}}' + ('  frames       ' if windows else '') + '    score  class'
    for prediction in predictions:
        head = f'{_fit(prediction.name, width):{width}}'
        if windows:
            span = f'{prediction.start}-{prediction.end - 1}'
            head += f'  {span:13}'
        nobody = Answer(prediction.label, prediction.class_name, prediction.score)
        answers = prediction.top_k or [nobody]
        for place, answer in enumerate(answers):
            line = (head if place == 0 else ' ' * len(head)) + f'  {format_score(answer.score)}'
            line += f'  {answer.class_name}'
            truth = prediction.truth
            if place == 0 and truth is not None and prediction.label != truth < len(class_names):
                line += f'   (is: {class_names[truth]})'
            yield line


def _fit(name: str, width: int) -> str:
    name = printable(name)
    return name if len(name) <= width else f'…{name[1 - width :]}'


def print_accuracy(predictions: Sequence[Prediction]) -> None:
    """How many of several answers are right, where the class is known."""
    known = [p.label == p.truth for p in predictions if p.truth is not None]
    if len(known) > 1:
        per_cent = 100 * sum(known) / len(known)
        found = f'{sum(known)} of {len(known)} answers of a known class are right'
        print(f'\n{found} ({per_cent:.1f} %).')


def draw_figures(
    args: argparse.Namespace,
    inferencer: SkeletonInferencer,
    recordings: Recordings,
    predictions: Sequence[Prediction],
) -> None:
    """Draw what was asked for, a numbered file a recording if there are several."""
    groups: list[list[Prediction]] = []
    for prediction in predictions:
        if prediction.start == 0:
            groups.append([])
        groups[-1].append(prediction)
    layout = _layout_of(inferencer)
    for number, (recording, group) in enumerate(zip(recordings, groups, strict=True), start=1):
        if args.timeline is not None:
            path = _numbered(args.timeline, number, len(groups))
            draw_timeline(group, inferencer.class_names, path)
            print(f'The timeline is in {path}.')
        for movie in filter(None, (args.gif, args.mp4)):
            path = _numbered(movie, number, len(groups))
            with Progress(console=Console(stderr=True), transient=True) as progress:
                task = progress.add_task(path.name, total=None)
                draw_animation(
                    recording.keypoint,
                    layout,
                    captions(recording, group),
                    path,
                    lambda progress=progress, task=task: progress.advance(task),  # type: ignore[misc]
                )
            print(f'The animation is in {path}.')


def _layout_of(inferencer: SkeletonInferencer) -> SkeletonLayout:
    """The skeleton that a model takes; heatmaps come from those of NTU RGB+D."""
    preprocessor = inferencer.cfg.model.get('data_preprocessor') or {}
    return get_layout(preprocessor.get('layout', 'nturgb+d'))


def _numbered(path: Path, number: int, total: int) -> Path:
    return path if total == 1 else path.with_stem(f'{path.stem}_{number:0{len(str(total))}d}')


def print_latency(
    inferencer: SkeletonInferencer, recording: Recording, args: argparse.Namespace
) -> None:
    """Measure the stream and print it."""
    num_frames = recording.keypoint.shape[1]
    window = args.window or min(64, max(1, num_frames // 2))
    inferencer.predict_one(recording)  # memory and kernels are set up by the first answer
    frames = recording.keypoint.swapaxes(0, 1)  # (T, M, V, C)
    answers = list(inferencer.stream(frames, window, args.stride or 1))
    median, p95 = np.percentile([float(answer.latency_ms or 0) for answer in answers], [50, 95])
    print(
        f'\nLatency of {len(answers)} answers about {min(window, num_frames)} frames each, from '
        f'the arrival of the newest: median {median:.1f} ms, 95 % within {p95:.1f} ms. '
        'A sensor of 30 frames a second leaves 33.3 ms.'
    )


@command
def main() -> None:
    """Classify."""
    args = parse_args()
    recordings = find_recordings(args.input, args.split)
    if args.per_person:
        recordings = split_persons(recordings)
    check_outputs(args, len(recordings))
    inferencer = SkeletonInferencer(
        read_config_of(args), args.checkpoint, args.device, args.classes, args.batch_size
    )
    predictions, failed = classify(inferencer, recordings, args)
    if predictions:
        print('\n'.join(make_table(predictions, inferencer.class_names, args.window is not None)))
    if args.window is None:
        print_accuracy(predictions)
    if args.json is not None:
        write_json(args.json, [prediction.as_dict() for prediction in predictions])
    if failed:
        raise InputError(f'{failed} of {len(recordings)} inputs cannot be classified')
    draw_figures(args, inferencer, recordings, predictions)
    if args.latency:
        print_latency(inferencer, recordings[0], args)


if __name__ == '__main__':
    main()
