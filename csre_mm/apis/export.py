"""A recognizer as a graph that runs without csre_mm: ONNX, or a program of ``torch.export``."""

import logging
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from torch import Tensor, nn
from torch.export import ExportedProgram

from csre_mm.apis.recognizer import example_clips, load_recognizer, testing_config
from csre_mm.utils.checkpoints import load_checkpoint_file
from csre_mm.utils.errors import InputError, one_line
from csre_mm.utils.files import atomic_path
from csre_mm.utils.optional import require

FORMATS = {'onnx': '.onnx', 'torch': '.pt2'}  # what can be written, and the suffix of its files
Scorer = Callable[[Tensor], Tensor]  # from clips (N, ...) to scores (N, classes)
CHECKED_BATCHES = (1, 2, 5)
"""Clips in the batches that are compared; a graph with a frozen batch fails at two of them."""

LEAST_FRAMES = 16  # of a graph with a free number of frames


class ScoreGraph(nn.Module):
    """What testing computes of clips: encoder and head.

    From (N, M, T, V, C) behind the preprocessor, or heatmaps (N, V, T, H, W), to scores before the
    softmax (N, classes). The average over the clips of a sample is not in it.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.backbone = model.backbone
        self.cls_head = model.cls_head

    def forward(self, clips: Tensor) -> Tensor:
        """Score clips."""
        return self.cls_head(self.backbone(clips))


class Exporter:
    """Write a trained recognizer as a graph with a dynamic batch, and compare it with PyTorch.

    Args:
        cfg: A config with or without CSRE.
        checkpoint: A checkpoint of it, of its counterpart, or a published one.
        free_frames: Whether the graph takes any number of frames T, from :data:`LEAST_FRAMES` on.

    Attributes:
        graph: The :class:`ScoreGraph`.
        shape: A clip as the graph takes it, without the batch.

    Raises:
        InputError: If the config or the checkpoint cannot be used, or not together.

    Example:
        >>> exporter = Exporter(Config.fromfile('config.py'), 'epoch_1.pth')
        >>> exporter.shape
        (2, 64, 25, 3)
        >>> exporter.scores(exporter.clips(4)).shape
        torch.Size([4, 60])
    """

    def __init__(
        self, cfg: Config, checkpoint: str | os.PathLike, free_frames: bool = False
    ) -> None:
        self.cfg = testing_config(cfg)
        content = load_checkpoint_file(os.fspath(checkpoint), map_location='cpu')
        self.model = load_recognizer(self.cfg, content, str(checkpoint), 'cpu')
        self.graph = ScoreGraph(self.model).eval()
        self.shape = tuple(self.clips(1).shape[1:])
        self.free_frames = free_frames

    def clips(self, count: int, seed: int = 0) -> Tensor:
        """Random clips (count, ...) as they leave the preprocessor."""
        return example_clips(self.model, self.cfg, count, seed=seed)

    def trace(self) -> ExportedProgram:
        """Trace the graph for a batch of any size.

        An encoder that branches on values, or turns the size of the batch into a number, cannot be:
        the ``InputError`` names what it was.
        """
        dynamic = {0: torch.export.Dim('batch', min=1, max=1 << 16)}
        options: dict[str, Any] = {}
        if self.free_frames:  # of clips (N, M, T, V, C), or heatmaps (N, V, T, H, W)
            dynamic[2] = torch.export.Dim('frames', min=LEAST_FRAMES, max=1 << 16)
            # Strides depend on T in ways that the tracer cannot prove for every T.
            options['prefer_deferred_runtime_asserts_over_guards'] = True
        try:
            with torch.no_grad():
                program = torch.export.export(
                    self.graph, (self.clips(3),), dynamic_shapes=(dynamic,), **options
                )
        except Exception as error:  # torch.export lets through whatever the model raises
            name = type(self.model.backbone).__name__
            what = 'exported with a free number of frames' if self.free_frames else 'exported'
            raise InputError(f'{name} cannot be {what}: {one_line(error, 300)}') from error
        # The clips would be in the file, larger than the weights; torch 2.4 has no setter for them.
        program._example_inputs = None
        return program

    def write(
        self,
        program: ExportedProgram,
        target: str | os.PathLike,
        format: str,
        tolerance: float = 1e-4,
    ) -> dict[int, float]:
        """Write a file and compare it with PyTorch; no file is left if it differs.

        The config of the test is inside, as ``config`` of the metadata (ONNX) or as the extra file
        ``config.py`` (torch).

        Args:
            program: What :meth:`trace` gave.
            target: The file.
            format: One of :data:`FORMATS`.
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
            if self.free_frames:
                clips = clips[:, :, : max(LEAST_FRAMES, self.shape[1] - count)]
            expected = self.scores(clips)
            try:
                scores = scorer(clips)
            except Exception as error:  # each runtime has its own
                raise InputError(f'the graph fails for {count} clips: {one_line(error)}') from error
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


def find_format(target: str | os.PathLike) -> str:
    """The format of a file, by its suffix; refused, if the packages that it needs are missing."""
    named = {suffix: format for format, suffix in FORMATS.items()}.get(Path(target).suffix)
    if named is None:
        raise InputError(f'{target}: the name must end in {" or ".join(FORMATS.values())}')
    if named == 'onnx':
        if tuple(map(int, torch.__version__.split('.')[:2])) < (2, 6):
            raise InputError(f'ONNX needs torch 2.6 or later, not {torch.__version__}')
        for package in ('onnx', 'onnxscript', 'onnxruntime'):
            require(package, 'export', 'ONNX')
    return named


def load_scorer(path: str | os.PathLike, format: str) -> Scorer:
    """Load an exported graph, for the CPU, with as many threads as PyTorch has."""
    if format == 'torch':
        with _quiet():
            module = torch.export.load(path).module()
        return torch.no_grad()(module)
    onnxruntime = require('onnxruntime', 'export', 'ONNX')
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3  # errors
    session = onnxruntime.InferenceSession(str(path), options, providers=['CPUExecutionProvider'])
    return lambda clips: torch.from_numpy(session.run(None, {'clips': clips.numpy()})[0])


def write_program(program: ExportedProgram, path: Path, format: str, config: str) -> None:
    """Write a program, with the text of the config inside."""
    if format == 'torch':
        with _quiet():
            torch.export.save(program, path, extra_files={'config.py': config})
        return
    try:
        with _quiet():
            graph = torch.onnx.export(
                program, input_names=['clips'], output_names=['scores'], dynamo=True, verbose=False
            )
    except torch.onnx.errors.OnnxExporterError as error:
        raise InputError(
            f'ONNX cannot carry the graph: {one_line(error, 300)}; a name that ends in .pt2 '
            'writes a program of torch.export'
        ) from error
    assert graph is not None
    graph.model.metadata_props['config'] = config
    graph.save(str(path), external_data=False)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without torch's remarks on packages and devices that no skeleton model needs here."""
    logger = logging.getLogger('torch.onnx')
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            yield
    finally:
        logger.setLevel(level)
