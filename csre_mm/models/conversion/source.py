"""A state dict that knows which of its tensors have been placed."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from csre_mm.utils.errors import InputError

_NORM = ('weight', 'bias', 'running_mean', 'running_var')


class Source:
    """The tensors of a release, taken out one by one, and the tensors made of them."""

    def __init__(self, state_dict: Mapping[str, Tensor]) -> None:
        self.left = dict(state_dict)
        self.result: dict[str, Tensor] = {}

    def __contains__(self, key: str) -> bool:
        return key in self.left

    def take(self, key: str) -> Tensor:
        """Take a tensor, which has to be there."""
        if key not in self.left:
            raise InputError(f'the state dict has no {key!r}: is it of this encoder?')
        return self.left.pop(key)

    def count(self, pattern: str) -> int:
        """How many numbers, from 0 or 1 on, exist in place of ``{}`` in the keys that begin so."""
        start = 0 if self._has(pattern.format(0)) else 1
        number = start
        while self._has(pattern.format(number)):
            number += 1
        if number == start:
            raise InputError(f'the state dict has no {pattern.format(0)}*: is it of this encoder?')
        return number - start

    def _has(self, prefix: str) -> bool:
        return any(key.startswith(prefix) for key in self.left)

    def move(self, target: str, source: str) -> None:
        """Move weight and bias of a module as they are."""
        for name in ('weight', 'bias'):
            self.result[f'{target}.{name}'] = self.take(f'{source}.{name}')

    def join(self, target: str, sources: Iterable[str], dim: int = 0, *names: str) -> None:
        """Move tensors of several modules, by default weight and bias, into one, along an axis."""
        sources = list(sources)
        for name in names or ('weight', 'bias'):
            parts = [self.take(f'{source}.{name}') for source in sources]
            self.result[f'{target}.{name}'] = torch.cat(parts, dim)

    def join_norms(self, target: str, sources: Iterable[str]) -> None:
        """Move batch normalisations into one over the joined channels."""
        sources = list(sources)
        self.join(target, sources, 0, *_NORM)
        # Releases older than PyTorch 0.4.1 do not count batches.
        seen = [self.left.pop(f'{source}.num_batches_tracked', None) for source in sources]
        self.result[f'{target}.num_batches_tracked'] = (
            torch.tensor(0) if seen[0] is None else seen[0]
        )

    def norm(self, target: str, source: str) -> None:
        """Move a batch normalisation."""
        self.join_norms(target, [source])

    def put(self, target: str, value: Tensor) -> None:
        """Give a tensor made of what was taken."""
        self.result[target] = value


def temporal_conv(source: Source, target: str, old: str) -> None:
    """The multi-scale temporal convolution."""
    branches = [
        f'{old}.branches.{number}' for number in range(source.count(f'{old}.branches.{{}}.'))
    ]
    *dilated, pool, point = branches
    source.join(f'{target}.squeeze', [f'{branch}.0' for branch in (*dilated, pool)])
    source.join_norms(f'{target}.squeeze_bn', [f'{branch}.1' for branch in (*dilated, pool)])
    for number, branch in enumerate(dilated):
        source.move(f'{target}.convs.{number}', f'{branch}.3.conv')
    source.move(f'{target}.point', f'{point}.0')
    norms = [*(f'{branch}.3.bn' for branch in dilated), f'{pool}.4', f'{point}.1']
    source.join_norms(f'{target}.bn', norms)


def residual(source: Source, target: str, old: str, conv: str = 'conv', bn: str = 'bn') -> None:
    """The residual connection of a block or a graph convolution, if it has weights."""
    if f'{old}.{conv}.weight' in source:
        source.move(f'{target}.0', f'{old}.{conv}')
        source.norm(f'{target}.1', f'{old}.{bn}')
