"""The files that a recognizer is exported to, and running them."""

import logging
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor
from torch.export import ExportedProgram

from csre_mm.utils.errors import InputError
from csre_mm.utils.optional import require

FORMATS = {'onnx': '.onnx', 'torch': '.pt2'}
"""What can be written, and the suffix of its files."""
Scorer = Callable[[Tensor], Tensor]
"""From clips (N, ...) to scores (N, classes)."""


def find_format(target: str | os.PathLike, format: str | None = None) -> str:
    """The format of a file, by its suffix unless it is given.

    Raises:
        InputError: If the suffix is another, or the packages that the format needs are missing.
    """
    suffix = Path(target).suffix
    named = {value: key for key, value in FORMATS.items()}.get(suffix)
    if named is None or format not in (None, named):
        wanted = FORMATS[format] if format else ' or '.join(FORMATS.values())
        raise InputError(f'{target}: the name must end in {wanted}')
    if named == 'onnx':
        if tuple(map(int, torch.__version__.split('.')[:2])) < (2, 6):
            raise InputError(f'ONNX needs torch 2.6 or later, not {torch.__version__}')
        for package in ('onnx', 'onnxscript', 'onnxruntime'):
            require(package, 'export', 'ONNX')
    return named


def load_scorer(path: str | os.PathLike, format: str) -> Scorer:
    """Load an exported graph, for the CPU, with as many threads as PyTorch has.

    Args:
        path: The file.
        format: One of :data:`FORMATS`.
    """
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
    """Write a program, with the config inside.

    Args:
        program: Of one input, the clips, and one output, the scores.
        path: The file.
        format: One of :data:`FORMATS`.
        config: Text of the config; it becomes ``config`` of the metadata of an ONNX model, and the
            extra file ``config.py`` of a program.

    Raises:
        InputError: If the format cannot carry the program.
    """
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
        reason = ' '.join(str(error).split())
        raise InputError(
            f'ONNX cannot carry the graph: {reason:.300}; a name that ends in .pt2 writes a '
            'program of torch.export'
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
