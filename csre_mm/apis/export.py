"""A recognizer as a graph that runs without csre_mm: ONNX, or a program of ``torch.export``."""

import os
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from mmengine.config import Config
from torch import Tensor, nn
from torch.export import ExportedProgram

from csre_mm.apis.export_formats import Scorer, load_scorer, write_program
from csre_mm.apis.recognizer import example_clips, load_recognizer, testing_config
from csre_mm.utils.checkpoints import read_state_dict
from csre_mm.utils.errors import InputError
from csre_mm.utils.files import atomic_path

CHECKED_BATCHES = (1, 2, 5)
"""Clips in the batches that are compared; a graph with a frozen batch fails at two of them."""


class ScoreGraph(nn.Module):
    """What testing computes of clips: encoder and head.

    The preprocessor, which makes the stream, stays outside, and so does what follows: the softmax,
    and the average over the clips of a sample.

    Args:
        model: A recognizer.

    Shape:
        - Input: (N, M, T, V, C) behind the preprocessor, or heat maps (N, V, T, H, W)
        - Output: scores before the softmax (N, classes)
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.backbone = model.backbone
        self.cls_head = model.cls_head

    def forward(self, clips: Tensor) -> Tensor:
        """Score clips."""
        return self.cls_head(self.backbone(clips))


@dataclass(frozen=True)
class GraphLatency:
    """Median times of a batch, measured in turn.

    Attributes:
        batch: Clips in it.
        pytorch: Milliseconds of the model in PyTorch.
        exported: Milliseconds of the exported graph.
    """

    batch: int
    pytorch: float
    exported: float


class Exporter:
    """Write a trained recognizer as a graph with a dynamic batch, and hold it against PyTorch.

    Args:
        cfg: A config with or without CSRE.
        checkpoint: A checkpoint of it, of its counterpart, or a published one.

    Attributes:
        graph: The :class:`ScoreGraph`.
        shape: A clip as the graph takes it, without the batch.

    Raises:
        InputError: If the config or the checkpoint cannot be used, or not together.
    """

    def __init__(self, cfg: Config, checkpoint: str | os.PathLike) -> None:
        self.cfg = testing_config(cfg)
        state = read_state_dict(checkpoint)
        self.model = load_recognizer(self.cfg, state, str(checkpoint), 'cpu')
        self.graph = ScoreGraph(self.model).eval()
        self.shape = tuple(self.clips(1).shape[1:])

    def clips(self, count: int, seed: int = 0) -> Tensor:
        """Random clips (count, ...) as the preprocessor hands them on."""
        return example_clips(self.model, self.cfg, count, seed=seed)

    def trace(self) -> ExportedProgram:
        """Follow the graph with a batch of any size.

        Raises:
            InputError: If it cannot be followed: the encoder then branches on values, or turns the
                size of the batch into a number, and the message names what it was.
        """
        batch = torch.export.Dim('batch', min=1, max=1 << 16)
        try:
            with torch.no_grad():
                program = torch.export.export(
                    self.graph, (self.clips(3),), dynamic_shapes=({0: batch},)
                )
        except Exception as error:  # torch.export lets through whatever the model raises
            name = type(self.model.backbone).__name__
            reason = ' '.join(str(error).split())
            raise InputError(f'{name} cannot be exported: {reason:.300}') from error
        program.example_inputs = None  # the clips would be in the file, larger than the weights
        return program

    def write(
        self,
        program: ExportedProgram,
        target: str | os.PathLike,
        format: str,
        tolerance: float = 1e-4,
    ) -> dict[int, float]:
        """Write a file and compare it with PyTorch; one that differs is not left behind.

        The config of the test is inside, as ``config`` of the metadata (ONNX) or as the extra file
        ``config.py`` (torch).

        Args:
            program: What :meth:`trace` gave.
            target: The file.
            format: One of :data:`csre_mm.apis.export_formats.FORMATS`.
            tolerance: Largest difference, relative to the largest score of the batch.

        Returns:
            The difference for each of :data:`CHECKED_BATCHES`.

        Raises:
            InputError: If the graph cannot be carried by the format or differs by more.
        """
        with atomic_path(target) as temporary:
            write_program(program, temporary, format, self.cfg.pretty_text)
            return self._compare(load_scorer(temporary, format), tolerance)

    def _compare(self, scorer: Scorer, tolerance: float) -> dict[int, float]:
        found = {}
        for count in CHECKED_BATCHES:
            clips = self.clips(count, seed=count)
            expected = self.scores(clips)
            try:
                scores = scorer(clips)
            except Exception as error:  # each runtime has its own
                reason = ' '.join(str(error).split())
                raise InputError(f'the graph fails for {count} clips: {reason:.200}') from error
            if scores.shape != expected.shape:
                raise InputError(
                    f'the graph gives scores {tuple(scores.shape)} for {count} clips, '
                    f'PyTorch {tuple(expected.shape)}'
                )
            found[count] = float((scores - expected).abs().max() / expected.abs().max())
            if not found[count] <= tolerance:
                raise InputError(
                    f'the graph differs from PyTorch by {found[count]:.1e} of the largest score '
                    f'for {count} clips, more than --tolerance {tolerance:g}: nothing was written'
                )
        return found

    @torch.no_grad()
    def scores(self, clips: Tensor) -> Tensor:
        """Scores (N, classes) in PyTorch."""
        return self.graph(clips)

    def measure(
        self, scorer: Scorer, batches: Sequence[int], rounds: int
    ) -> Iterator[GraphLatency]:
        """Measure batches of several sizes, PyTorch and the exported graph in turn.

        Args:
            scorer: The exported graph (:func:`load_scorer`).
            batches: Clips of each batch.
            rounds: Times that each is run; the median counts.
        """
        for count in batches:
            clips = self.clips(count)
            times: tuple[list[float], list[float]] = ([], [])
            for turn in range(rounds + 1):
                for place, run in enumerate((self.scores, scorer)):
                    start = time.perf_counter()
                    run(clips)
                    if turn:  # the first is to warm up
                        times[place].append(1e3 * (time.perf_counter() - start))
            yield GraphLatency(count, *map(statistics.median, times))
