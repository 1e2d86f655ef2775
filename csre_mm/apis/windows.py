"""Windows of recordings and of streams: cutting them, and whom they show."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from csre_mm.apis.prediction import Prediction
from csre_mm.apis.recordings import Recording, Recordings
from csre_mm.datasets.preparation.ntu.annotation import select_bodies
from csre_mm.datasets.preparation.ntu.raw import RawBody
from csre_mm.datasets.sample_faults import LARGEST
from csre_mm.datasets.transforms.sample_frames import FRAME_FIELDS
from csre_mm.utils.errors import InputError

Predict = Callable[[Recording], Prediction]


def window_spans(num_frames: int, window: int | None, stride: int | None) -> list[tuple[int, int]]:
    """The first frame of each window and the one after its last, by default a quarter apart.

    The last window ends with the recording; a recording that is shorter than a window is one, as
    without a window.
    """
    if window is None:
        if stride is not None:
            raise InputError(f'a stride of {stride} needs a window')
        return [(0, num_frames)]
    last = max(num_frames - window, 0)
    starts = [*range(0, last, check_stride(window, stride)), last]
    return [(start, min(start + window, num_frames)) for start in starts]


def check_stride(window: int, stride: int | None) -> int:
    """The stride of windows, by default a quarter of one, one frame at least."""
    stride = max(window // 4, 1) if stride is None else stride
    if window < 1 or stride < 1:
        raise InputError(f'window {window} and stride {stride}, expected at least 1 frame each')
    return stride


def take(recording: Recording, index: Any, **changes: Any) -> Recording:
    """A part of a recording, and other changes; the index is one of arrays (M, T, V, ...)."""
    fields = {
        key: value[index] if key in FRAME_FIELDS else value
        for key, value in recording.fields.items()
    }
    return replace(recording, keypoint=recording.keypoint[index], fields=fields, **changes)


def choose_persons(keypoint: np.ndarray, most: int) -> list[int]:
    """At most as many of the persons (M, T, V, C), the one who moves most first."""
    bodies = []
    for person, joints in enumerate(keypoint):
        frames = np.flatnonzero(joints.any(axis=(1, 2)))
        if frames.size:
            bodies.append(RawBody(person, frames, joints[frames]))
    return [body.body_id for body in select_bodies(bodies, most)]


def split_persons(recordings: Recordings) -> Recordings:
    """A recording for each person, whose number from 1 is added to the name."""
    readers: list[Callable[[], Recording]] = []
    for reader in recordings.readers:
        try:
            present = np.flatnonzero(reader().keypoint.any(axis=(1, 2, 3))).tolist()
        except InputError:  # is named when it is classified
            readers.append(reader)
            continue
        readers += [partial(_one_person, reader, person) for person in present]
    return Recordings(readers)


def _one_person(reader: Callable[[], Recording], person: int) -> Recording:
    recording = reader()
    return take(recording, [person], name=f'{recording.name} person {person + 1}')


def stream_predictions(
    predict: Predict,
    frames: Iterable[np.ndarray],
    window: int,
    stride: int | None,
    name: str = 'stream',
) -> Iterator[Prediction]:
    """Classify the newest frames of a stream, (M, V, C) or (V, C) each, again and again.

    The first answer comes with frame number ``window``, the next ones every ``stride`` frames. When
    the stream ends, frames after the last answer get one more; so does a stream that is shorter
    than a window. The number of persons may change, also to zero; a person is known by the place in
    the array. The latency is that from the arrival of the newest frame to the answer.
    """
    stride = check_stride(window, stride)
    newest: deque[np.ndarray] = deque(maxlen=window)
    count = answered = 0

    def answer(arrived: float) -> Prediction:
        found = predict(Recording(name, stack_frames(newest)))
        latency = 1000 * (time.perf_counter() - arrived)
        return replace(found, start=count - len(newest), end=count, latency_ms=latency)

    for frame in frames:
        arrived = time.perf_counter()
        newest.append(check_frame(frame, f'{name}: frame {count}', newest))
        count += 1
        if count >= window and (count - window) % stride == 0:
            answered = count
            yield answer(arrived)
    if not count:
        raise InputError(f'{name}: the stream ended before its first frame')
    if answered < count:
        yield answer(time.perf_counter())


def check_frame(frame: np.ndarray, where: str, before: Iterable[np.ndarray] = ()) -> np.ndarray:
    """Bring a frame (M, V, C) or (V, C), alike to those before it, to (M, V, C), float32."""
    array: np.ndarray = np.ma.asarray(frame)
    if array.ndim == 2:
        array = array[None]
    if array.ndim != 3 or array.dtype.kind not in 'fiu':
        raise InputError(
            f'{where}: {array.dtype} of the shape {array.shape}, expected numbers (M, V, C) or '
            '(V, C)'
        )
    with np.errstate(over='ignore'):
        array = np.ma.filled(array.astype(np.float32), np.nan)  # what is masked
    first = next(iter(before), array)
    if array.shape[1:] != first.shape[1:]:
        raise InputError(
            f'{where}: {array.shape[1]} joints of {array.shape[2]} coordinates, the frames before '
            f'have {first.shape[1]} of {first.shape[2]}'
        )
    if not (np.abs(array) <= LARGEST).all():
        raise InputError(f'{where}: holds NaN or larger numbers than {LARGEST:g}')
    return array


def stack_frames(frames: Iterable[np.ndarray]) -> np.ndarray:
    """Put frames (M, V, C) on a time axis (M, T, V, C); persons who are absent are zeros."""
    frames = list(frames)
    persons = max(1, *(len(frame) for frame in frames))
    keypoint = np.zeros((persons, len(frames), *frames[0].shape[1:]), np.float32)
    for place, frame in enumerate(frames):
        keypoint[: len(frame), place] = frame
    return keypoint
