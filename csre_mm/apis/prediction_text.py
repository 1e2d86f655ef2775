"""Predictions as text: a table, and what stands above the frames of a moving picture."""

from collections.abc import Iterator, Sequence

from csre_mm.apis.prediction import Answer, Prediction
from csre_mm.apis.recordings import Recording

_NAME_WIDTH = 44  # characters


def format_score(score: float) -> str:
    """A probability in per cent; of a head that gives none, the number."""
    return f'{100 * score:5.1f} %' if 0 <= score <= 1 else f'{score:7.3f}'


def table(
    predictions: Sequence[Prediction], class_names: Sequence[str], windows: bool
) -> Iterator[str]:
    """Lines of the table: a line an answer."""
    width = min(_NAME_WIDTH, max((len(p.name) for p in predictions), default=6))
    width = max(width, len('recording'))
    yield f'{"recording":{width}}' + ('  frames       ' if windows else '') + '    score  class'
    for prediction in predictions:
        head = f'{_shorten(prediction.name, width):{width}}'
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


def _shorten(name: str, width: int) -> str:
    return name if len(name) <= width else f'…{name[1 - width :]}'


def captions(recording: Recording, predictions: Sequence[Prediction]) -> list[str]:
    """What is written above each frame: the answer of the window whose middle is nearest."""
    num_frames = recording.keypoint.shape[1]
    lines = []
    for frame in range(num_frames):
        best = min(predictions, key=lambda p: abs(p.start + p.end - 1 - 2 * frame))
        lines.append(
            f'{best.class_name}  {format_score(best.score).strip()}\n'
            f'{recording.name}, frame {frame + 1} of {num_frames}'
        )
    return lines
