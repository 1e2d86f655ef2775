"""From the state dict of an authors' release to that of our recognizer, an encoder a function."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from csre_mm.models.conversion.source import Source, residual, temporal_conv
from csre_mm.utils.checkpoints import find_state_dict, load_checkpoint_file
from csre_mm.utils.errors import InputError
from csre_mm.utils.files import atomic_path


def _ctrgcn(source: Source) -> None:
    source.norm('backbone.input.bn', 'data_bn')
    for block in range(source.count('l{}.')):
        new, old = f'backbone.blocks.{block}', f'l{block + 1}'
        gcn, convs = f'{old}.gcn1', f'{old}.gcn1.convs'
        subsets = range(source.count(f'{convs}.{{}}.'))
        for name in ('weight', 'bias'):
            pairs = [f'{convs}.{k}.conv{part}.{name}' for part in (1, 2) for k in subsets]
            joined = torch.cat([source.take(key) for key in pairs])
            source.put(f'{new}.gcn.relate.{name}', joined.flatten(2) if joined.ndim > 1 else joined)
        source.join(f'{new}.gcn.value', [f'{convs}.{k}.conv3' for k in subsets])
        source.join(f'{new}.gcn.refine', [f'{convs}.{k}.conv4' for k in subsets])
        source.put(f'{new}.gcn.A', source.take(f'{gcn}.PA'))
        source.put(f'{new}.gcn.alpha', source.take(f'{gcn}.alpha'))
        source.norm(f'{new}.gcn.bn', f'{gcn}.bn')
        residual(source, f'{new}.gcn.residual', f'{gcn}.down', '0', '1')
        temporal_conv(source, f'{new}.tcn', f'{old}.tcn1')
        residual(source, f'{new}.residual', f'{old}.residual')
    source.move('cls_head.fc', 'fc')


def _agcn(source: Source) -> None:
    source.norm('backbone.input.bn', 'data_bn')
    for block in range(source.count('l{}.')):
        new, old = f'backbone.blocks.{block}', f'l{block + 1}'
        gcn = f'{old}.gcn1'
        subsets = range(source.count(f'{gcn}.conv_a.{{}}.'))
        embeddings = [f'{gcn}.conv_{part}.{k}' for part in 'ab' for k in subsets]
        source.put(f'{new}.gcn.B', source.take(f'{gcn}.PA'))
        source.join(f'{new}.gcn.embed', embeddings)
        source.join(f'{new}.gcn.project', [f'{gcn}.conv_d.{k}' for k in subsets], 1, 'weight')
        biases = [source.take(f'{gcn}.conv_d.{k}.bias') for k in subsets]
        source.put(f'{new}.gcn.bias', torch.stack(biases))
        source.norm(f'{new}.gcn.bn', f'{gcn}.bn')
        residual(source, f'{new}.gcn.residual', f'{gcn}.down', '0', '1')
        source.move(f'{new}.tcn.0', f'{old}.tcn1.conv')
        source.norm(f'{new}.tcn.1', f'{old}.tcn1.bn')
        residual(source, f'{new}.residual', f'{old}.residual')
    source.move('cls_head.fc', 'fc')


def _hyperformer(source: Source) -> None:
    source.norm('backbone.input.bn', 'data_bn')
    for block in range(source.count('l{}.')):
        new, old = f'backbone.blocks.{block}', f'l{block + 1}.vit1'
        attention = f'{new}.attention'
        source.move(f'{new}.norm', f'{old}.norm1')
        qkv = [source.take(f'{old}.attn.{name}.weight') for name in ('q', 'kv')]
        source.put(f'{attention}.qkv.weight', torch.cat(qkv).flatten(1))
        part_bias = source.take(f'{old}.attn.w1')
        heads, width = part_bias.shape
        source.put(f'{attention}.part_bias', part_bias)
        hops = source.take(f'{old}.attn.rpe').view(-1, heads, width)
        source.put(f'{attention}.hop_embedding', hops)
        for name, released in (('topology', 'outer'), ('scale', 'alpha')):
            source.put(f'{attention}.{name}', source.take(f'{old}.attn.{released}'))
        source.move(f'{attention}.project', f'{old}.attn.proj')
        parts = source.take(f'{old}.pe_proj.weight')
        source.put(f'{new}.embed_parts.weight', parts.flatten(1))
        if qkv[0].shape[0] != qkv[0].shape[1]:
            skip = source.take(f'{old}.skip_proj.weight')
            source.put(f'{new}.skip.weight', skip.flatten(1))
        temporal_conv(source, f'{new}.tcn', f'l{block + 1}.tcn1')
        residual(source, f'{new}.residual', f'l{block + 1}.residual')
    source.move('cls_head.fc', 'fc')
    if 'std.conv1.weight' in source:  # the release of CSRE: this encoder with its neck
        for branch, squeeze, project in (
            ('spatial', 'conv1', 'convs'),
            ('temporal', 'conv2', 'convt'),
        ):
            source.move(f'neck.stfd.{branch}.squeeze', f'std.{squeeze}')
            source.move(f'neck.stfd.{branch}.project', f'std.{project}')


def _blockgcn(source: Source) -> None:
    source.move('backbone.input.linear', 'to_joint_embedding')
    source.put('backbone.input.position', source.take('pos_embedding').squeeze(0))
    source.norm('backbone.input.norm.bn', 'data_bn')
    blocks = source.count('l{}.')
    for block in range(blocks):
        new, old = f'backbone.blocks.{block}', f'l{block + 1}'
        gcn = f'{old}.gcn1'
        subsets = range(source.count(f'{gcn}.fc2.{{}}.'))
        source.put(f'{new}.gcn.topology', source.take(f'{gcn}.fc1'))
        source.put(f'{new}.gcn.hop_embedding', source.take(f'{gcn}.rpe'))
        source.join(f'{new}.gcn.project', [f'{gcn}.fc2.{k}' for k in subsets], 1, 'weight')
        biases = [source.take(f'{gcn}.fc2.{k}.bias') for k in subsets]
        source.put(f'{new}.gcn.bias', torch.stack(biases))
        source.norm(f'{new}.gcn.bn', f'{gcn}.bn')
        residual(source, f'{new}.gcn.residual', f'{gcn}.down', '0', '1')
        temporal_conv(source, f'{new}.tcn', f'{old}.tcn1')
        residual(source, f'{new}.residual', f'{old}.residual')
    source.join('backbone.embed_topology.linear', [f't{block}.mlp' for block in range(blocks)])
    source.join_norms('backbone.embed_topology.bn', [f't{block}.bn' for block in range(blocks)])
    for name, released in (('centers', 'centres'), ('sharpness', 'sharpness')):
        source.put(f'backbone.topology.{name}', source.take(f'topo.pl.{released}'))
    source.move('cls_head.fc', 'fc')


def _hcn(source: Source) -> None:
    layers = (('point', '1', '.0'), ('frames', '2', ''), ('joints', '3', '.0'))
    for name, number, inner in (*layers, ('branches', '4', '.0')):
        pair = [f'conv{number}{branch}{inner}' for branch in ('', 'm')]
        source.join(f'backbone.{name}', pair)
    source.move('backbone.merge', 'conv5.0')
    source.move('backbone.last', 'conv6.0')
    source.move('cls_head.hidden', 'fc7.0')
    source.move('cls_head.fc', 'fc8')


_CONVERTERS: dict[str, Callable[[Source], None]] = {
    'hcn': _hcn,
    '2sagcn': _agcn,
    'ctrgcn': _ctrgcn,
    'hyperformer': _hyperformer,
    'blockgcn': _blockgcn,
}
ENCODERS = tuple(_CONVERTERS)  # the encoders whose releases can be converted


def convert_state_dict(encoder: str, state_dict: Mapping[str, Any]) -> dict[str, Tensor]:
    """Turn the state dict of a release into that of ``RecognizerGCN`` with our encoder.

    It may be in ``state_dict`` of a dictionary. A tensor that is missing, or has no place in ours,
    is an ``InputError``.
    """
    if encoder not in _CONVERTERS:
        raise InputError(f'no encoder {encoder!r}; known: {", ".join(ENCODERS)}')
    source = Source(find_state_dict(state_dict, 'the release'))
    try:
        _CONVERTERS[encoder](source)
    except InputError:
        raise
    except (RuntimeError, ValueError, KeyError, IndexError) as error:
        raise InputError(
            f'the state dict does not have the shapes of {encoder}: {error}'
        ) from error
    if source.left:
        left = sorted(source.left)
        more = f' and {len(left) - 10} more' if len(left) > 10 else ''
        raise InputError(f'{len(left)} keys without a place: {", ".join(left[:10])}{more}')
    return source.result


def convert_weights(encoder: str, source: str | os.PathLike, target: str | os.PathLike) -> int:
    """Convert a file: a state dict of a release, or a dictionary with one in ``state_dict``.

    Args:
        encoder: One of :data:`csre_mm.models.conversion.ENCODERS`.
        source: What the release saved.
        target: The checkpoint to write.

    Returns:
        The number of weights, buffers not counted.

    Raises:
        InputError: If the file is no checkpoint, or its tensors do not all find their place.

    Example:
        >>> convert_weights('hcn', 'released.pt', 'hcn.pth')
        2681
    """
    content = load_checkpoint_file(os.fspath(source), map_location='cpu')
    try:
        weights = convert_state_dict(encoder, content)
    except InputError as error:
        raise InputError(f'{source}: {error}') from None
    with atomic_path(Path(target)) as temporary:
        torch.save({'state_dict': weights, 'meta': {'converted_from': encoder}}, temporary)
    buffers = ('running_mean', 'running_var', 'num_batches_tracked')
    return sum(value.numel() for key, value in weights.items() if not key.endswith(buffers))
