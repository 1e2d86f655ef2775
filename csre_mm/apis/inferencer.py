"""Classifying recordings with a trained recognizer."""

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import compress, islice
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.logging import print_log

from csre_mm.apis.data_settings import apply_data_settings
from csre_mm.apis.prediction import NOBODY, Prediction, rank
from csre_mm.apis.recognizer import load_recognizer
from csre_mm.apis.recordings import Recording, Recordings, find_recordings
from csre_mm.apis.windows import (
    choose_persons,
    split_persons,
    stream_predictions,
    take,
    window_spans,
)
from csre_mm.datasets.class_names import find_class_names
from csre_mm.datasets.input_shape import read_input_shape
from csre_mm.datasets.valid_joints import valid_joints
from csre_mm.utils.checkpoints import load_checkpoint_file
from csre_mm.utils.config import build, innermost_datasets, pipeline_of, read_config
from csre_mm.utils.errors import InputError


class SkeletonInferencer:
    """Classify skeleton sequences as ``tools/test.py`` does: same pipeline, same scores.

    Of an array with more persons than the model takes, those who move most are taken. Annotations
    and raw files have their persons chosen and ordered by the preparation, and the first are taken.

    Args:
        config: A config file, or a config.
        checkpoint: A checkpoint of the config, or of its baseline or CSRE counterpart; a published
            one, too.
        device: Where to compute: ``'cpu'``, ``'cuda'``, ``'cuda:1'``, ...
        class_names: A text file with a name a line, a key of
            :data:`csre_mm.datasets.class_names.CLASS_NAMES`, or the names. By default
            those of the config's ``data.class_names``, or of the data set that the config names, or
            else the labels.
        batch_size: Clips in a batch, by default that of the config's ``test_dataloader``. Scores of
            other batches may differ in the last digits.

    Attributes:
        cfg: The config.
        model: The recognizer without its train-only neck, in evaluation mode.
        class_names: Names of the classes.
        shape: What the model takes.

    Raises:
        InputError: If the config, the checkpoint or the class names cannot be used together, or
            there is no such device.

    Example:
        >>> inferencer = SkeletonInferencer('config.py', 'epoch_1.pth')
        >>> for prediction in inferencer('own.npy', top_k=3):
        ...     print(prediction.name, len(prediction.top_k), prediction.scores.shape)
        own 3 (60,)
    """

    def __init__(
        self,
        config: str | os.PathLike | Config,
        checkpoint: str | os.PathLike,
        device: str = 'cpu',
        class_names: str | os.PathLike | Sequence[str] | None = None,
        batch_size: int | None = None,
    ) -> None:
        self.cfg = config if isinstance(config, Config) else read_config(os.fspath(config))
        apply_data_settings(self.cfg)
        if class_names is None:
            class_names = (self.cfg.get('data') or {}).get('class_names')
        self.shape, self._remarked = read_input_shape(self.cfg), False
        if batch_size is None:
            batch_size = self.cfg.test_dataloader.get('batch_size', 1)
        if type(batch_size) is not int or batch_size < 1:
            raise InputError(f'a batch of {batch_size!r} clips, expected at least 1')
        self.batch_size = batch_size
        content = load_checkpoint_file(os.fspath(checkpoint), map_location='cpu')
        self.model = load_recognizer(self.cfg, content, str(checkpoint), device)
        self.pipeline = build(Compose, pipeline_of(self.cfg))
        _, dataset = innermost_datasets(self.cfg, 'test_dataloader')[0]
        num_classes = self.model.cls_head.num_classes
        self.class_names = find_class_names(class_names, num_classes, dataset.get('ann_file', ''))

    def __call__(
        self,
        inputs: Any,
        top_k: int = 5,
        window: int | None = None,
        stride: int | None = None,
        per_person: bool = False,
    ) -> list[Prediction]:
        """Classify what :func:`csre_mm.apis.recordings.find_recordings` takes.

        Args:
            inputs: An array (M, T, V, C) or (T, V, C), a path, or a list of them.
            top_k: Classes to name, the best first.
            window: Frames of the parts that each get an answer; by default the whole recording gets
                one.
            stride: Frames from one window to the next, by default a quarter of a window.
            per_person: Whether each person gets an answer, as if alone.

        Returns:
            The predictions, recording after recording, window after window.

        Raises:
            InputError: If an input cannot be read or is not what the model takes.
        """
        found = split_persons(find_recordings(inputs)) if per_person else inputs
        return list(self.iterate(found, top_k, window, stride))

    def iterate(
        self,
        inputs: Any,
        top_k: int = 5,
        window: int | None = None,
        stride: int | None = None,
        on_error: Callable[[InputError], None] | None = None,
    ) -> Iterator[Prediction]:
        """As a call, one prediction after the other.

        ``on_error`` is told of an input that cannot be classified, which is then left out.
        """
        if top_k < 1:
            raise InputError(f'the top {top_k} classes, expected at least 1')
        windows = self._windows(find_recordings(inputs), window, stride, on_error)
        while batch := list(islice(windows, self.batch_size)):
            yield from self._predict(batch, top_k)

    def stream(
        self,
        frames: Iterable[np.ndarray],
        window: int = 64,
        stride: int | None = None,
        top_k: int = 5,
        name: str = 'stream',
    ) -> Iterator[Prediction]:
        """Classify the newest frames of a stream, again and again.

        Args:
            frames: Arrays (M, V, C), or (V, C) of one person, one a frame.
            window: Frames that an answer sees.
            stride: Frames from one answer to the next, by default a quarter of a window.
            top_k: Classes to name, the best first.
            name: Name of the predictions.

        Yields:
            Predictions with their latency (:func:`csre_mm.apis.windows.stream_predictions`).
        """
        yield from stream_predictions(
            lambda recording: self.predict_one(recording, top_k), frames, window, stride, name
        )

    def predict_one(self, recording: Recording, top_k: int = 5) -> Prediction:
        """Classify one recording as a whole."""
        self.check(recording)
        return self._predict([recording], top_k)[0]

    def check(self, recording: Recording) -> None:
        """Insist on joints and coordinates that the model takes; the log has what looks wrong."""
        keypoint, name = recording.keypoint, recording.name
        self.shape.check(keypoint, 'keypoint_score' in recording.fields, name)
        layout = (self.cfg.model.get('data_preprocessor') or {}).get('layout')
        if recording.layouts and isinstance(layout, str) and layout not in recording.layouts:
            raise InputError(
                f'{name}: the joints are in the order of {recording.layouts[0]}, the model takes '
                f'those of {layout}'
            )
        if not self._remarked and (remark := self.shape.remark(keypoint, name)):
            self._remarked = True  # the others are likely to be in the same unit
            print_log(remark, 'current', logging.WARNING)

    def prepare(self, recording: Recording) -> dict[str, Any]:
        """What the pipeline makes of a recording: ``inputs`` and ``data_samples``."""
        most = self.shape.persons
        if not recording.prepared and most and len(recording.keypoint) > most:
            recording = take(recording, choose_persons(recording.keypoint, most))
        keypoint = recording.keypoint + 0  # a copy, without -0.0
        # As a data set of mmaction2 hands it over.
        sample: dict[str, Any] = {
            **recording.fields,
            'frame_dir': recording.name,
            'total_frames': keypoint.shape[1],
            'keypoint': keypoint,
            'modality': 'Pose',
            'start_index': 0,
        }
        if recording.label is not None:
            sample['label'] = recording.label
        return self.pipeline(sample)

    def _windows(
        self,
        recordings: Recordings,
        window: int | None,
        stride: int | None,
        on_error: Callable[[InputError], None] | None,
    ) -> Iterator[Recording]:
        window_spans(1, window, stride)  # a bad window is no fault of a recording
        for index in range(len(recordings)):  # an iterator would end at the first error
            try:
                recording = recordings[index]
                self.check(recording)
            except InputError as error:
                if on_error is None:
                    raise
                on_error(error)
                continue
            if window is None:
                yield recording
                continue
            for start, end in window_spans(recording.keypoint.shape[1], window, stride):
                yield take(recording, np.s_[:, start:end], start=start)

    @torch.no_grad()
    def _predict(self, windows: list[Recording], top_k: int) -> list[Prediction]:
        present = [_has_person(window) for window in windows]
        scores: Iterator[np.ndarray] = iter(())
        if any(present):
            batch = pseudo_collate([self.prepare(window) for window in compress(windows, present)])
            scores = iter([_scores_of(sample) for sample in self.model.test_step(batch)])
        return [
            self._answer(window, next(scores) if found else None, top_k)
            for window, found in zip(windows, present, strict=True)
        ]

    def _answer(self, window: Recording, scores: np.ndarray | None, top_k: int) -> Prediction:
        place = window.start, window.start + window.keypoint.shape[1], window.label
        if scores is None:
            nothing = np.zeros(len(self.class_names), np.float32)
            return Prediction(window.name, NOBODY, 'nobody', 0.0, [], nothing, *place)
        top = rank(scores, self.class_names, top_k)
        return Prediction(window.name, *top[0], top, scores, *place)


def _has_person(window: Recording) -> bool:
    return bool(valid_joints(window.keypoint + 0, window.fields.get('keypoint_score')).any())


def _scores_of(sample: Any) -> np.ndarray:
    """Scores (classes,), float32; a head that averages no clips gives (clips, classes)."""
    scores = sample.pred_score.float().cpu().numpy()
    return scores.mean(0) if scores.ndim == 2 else scores
