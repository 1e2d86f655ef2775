"""What a recognizer says of a recording or of a part of one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from csre_mm.apis.recordings import Recording

NOBODY = -1  # the label of a window without a person


class Answer(NamedTuple):
    """A class and its score."""

    label: int
    class_name: str
    score: float


@dataclass(frozen=True)
class Prediction:
    """What a recognizer says of some frames."""

    name: str  # of the recording
    label: int  # the class with the highest score, or :data:`NOBODY`
    class_name: str
    score: float  # of that class: a probability, if the model's head averages those
    top_k: list[Answer]  # the highest scores first; empty without a person
    scores: np.ndarray  # (classes,), float32
    start: int  # the first frame, from 0
    end: int  # the frame after the last
    truth: int | None = None  # the true class, if it is known
    latency_ms: float | None = None  # milliseconds from the last frame of a stream

    def as_dict(self) -> dict[str, Any]:
        """What goes into a JSON file."""
        top_k = [answer._asdict() for answer in self.top_k]
        found = {**vars(self), 'top_k': top_k, 'scores': self.scores.tolist()}
        return {key: value for key, value in found.items() if value is not None}


def rank(scores: np.ndarray, class_names: Sequence[str], top_k: int) -> list[Answer]:
    """The classes with the highest scores (classes,); of equal scores the first class first."""
    order = np.argsort(-scores, kind='stable')[:top_k]
    return [Answer(int(label), class_names[label], float(scores[label])) for label in order]


def format_score(score: float) -> str:
    """A probability in per cent; of a head that gives none, the number."""
    return f'{100 * score:5.1f} %' if 0 <= score <= 1 else f'{score:7.3f}'


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
