"""What the shipped configs are named after: encoders with their papers, and benchmarks."""

from typing import NamedTuple


class Encoder(NamedTuple):
    """An encoder.

    Attributes:
        name: As its paper writes it.
        title: Of the paper.
        url: Of the paper.
        benchmarks: Benchmarks that it has configs for.
    """

    name: str
    title: str
    url: str
    benchmarks: tuple[str, ...]


BENCHMARKS = {
    'nwucla': 'NW-UCLA',
    'utd_mhad': 'UTD-MHAD',
    'ntu60': 'NTU RGB+D 60 X-Sub',
    'ntu60_xview': 'NTU RGB+D 60 X-View',
    'ntu120': 'NTU RGB+D 120 X-Sub',
    'ntu120_xset': 'NTU RGB+D 120 X-Set',
}
"""Benchmarks by the end of a config's name."""

_ALL = tuple(BENCHMARKS)

ENCODERS = {
    'hcn': Encoder(
        'HCN',
        'Co-occurrence Feature Learning from Skeleton Data for Action Recognition and Detection '
        'with Hierarchical Aggregation',
        'https://arxiv.org/abs/1804.06055',
        _ALL,
    ),
    '2sagcn': Encoder(
        '2s-AGCN',
        'Two-Stream Adaptive Graph Convolutional Networks for Skeleton-Based Action Recognition',
        'https://arxiv.org/abs/1805.07694',
        _ALL,
    ),
    'ctrgcn': Encoder(
        'CTR-GCN',
        'Channel-wise Topology Refinement Graph Convolution for Skeleton-Based Action Recognition',
        'https://arxiv.org/abs/2107.12213',
        _ALL,
    ),
    'hyperformer': Encoder(
        'Hyperformer',
        'Hypergraph Transformer for Skeleton-based Action Recognition',
        'https://arxiv.org/abs/2211.09590',
        _ALL,
    ),
    'blockgcn': Encoder(
        'BlockGCN',
        'BlockGCN: Redefine Topology Awareness for Skeleton-Based Action Recognition',
        'https://openaccess.thecvf.com/content/CVPR2024/html/'
        'Zhou_BlockGCN_Redefine_Topology_Awareness_for_Skeleton-Based_Action_Recognition_'
        'CVPR_2024_paper.html',
        _ALL,
    ),
    'stgcn': Encoder(
        'ST-GCN',
        'Spatial Temporal Graph Convolutional Networks for Skeleton-Based Action Recognition',
        'https://arxiv.org/abs/1801.07455',
        ('ntu60',),
    ),
    'stgcnpp': Encoder(
        'ST-GCN++',
        'PYSKL: Towards Good Practices for Skeleton Action Recognition',
        'https://arxiv.org/abs/2205.09443',
        ('ntu60',),
    ),
    'aagcn': Encoder(
        'AAGCN',
        'Skeleton-Based Action Recognition with Multi-Stream Adaptive Graph Convolutional Networks',
        'https://arxiv.org/abs/1912.06971',
        ('ntu60',),
    ),
    'posec3d': Encoder(
        'PoseC3D',
        'Revisiting Skeleton-based Action Recognition',
        'https://arxiv.org/abs/2104.13586',
        ('ntu60',),
    ),
}
"""Encoders by the beginning of a config's name."""


def split_name(config: str) -> tuple[str, str]:
    """Encoder and benchmark in the name of a baseline's config, as ``ntu60_xview``.

    Raises:
        ValueError: If it has neither form.
    """
    encoder, _, benchmark = config.partition('_')
    if encoder not in ENCODERS or benchmark not in BENCHMARKS:
        raise ValueError(f'{config} is no config of an encoder on a benchmark')
    return encoder, benchmark


def config_names() -> list[str]:
    """Names of the baselines' configs."""
    return [
        f'{encoder}_{benchmark}'
        for encoder, entry in ENCODERS.items()
        for benchmark in entry.benchmarks
    ]
