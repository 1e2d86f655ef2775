"""From a checkpoint of an authors' release to one that our commands test and train on."""

import os
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from csre_mm.models.conversion import convert_state_dict
from csre_mm.utils.checkpoints import load_checkpoint_file
from csre_mm.utils.errors import InputError
from csre_mm.utils.files import atomic_path


def convert_weights(encoder: str, source: str | os.PathLike, target: str | os.PathLike) -> int:
    """Convert a file.

    Args:
        encoder: One of :data:`csre_mm.models.conversion.ENCODERS`.
        source: What the release saved: a state dict, or a dictionary with one in ``state_dict``.
        target: The checkpoint to write.

    Returns:
        The number of weights, buffers not counted.

    Raises:
        InputError: If the file is no checkpoint, or its tensors do not all find their place.
    """
    content = load_checkpoint_file(os.fspath(source), map_location='cpu')
    try:
        weights = convert_state_dict(encoder, _find_state_dict(content))
    except InputError as error:
        raise InputError(f'{source}: {error}') from None
    with atomic_path(Path(target)) as temporary:
        torch.save({'state_dict': weights, 'meta': {'converted_from': encoder}}, temporary)
    buffers = ('running_mean', 'running_var', 'num_batches_tracked')
    return sum(value.numel() for key, value in weights.items() if not key.endswith(buffers))


def _find_state_dict(content: object) -> Mapping[str, Tensor]:
    if isinstance(content, Mapping) and isinstance(content.get('state_dict'), Mapping):
        content = content['state_dict']
    if not isinstance(content, Mapping) or not content:
        raise InputError('holds no state dict')
    for key, value in content.items():
        if not isinstance(key, str) or not isinstance(value, Tensor):
            raise InputError(f'holds no state dict: {key!r} is a {type(value).__name__}')
    return content
