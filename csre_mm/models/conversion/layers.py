"""The layers that the releases of the CTR-GCN family have in common."""

from csre_mm.models.conversion.source import Source


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


def block_residual(source: Source, target: str, old: str) -> None:
    """The residual connection of a block, if it has weights."""
    if f'{old}.conv.weight' in source:
        source.move(f'{target}.0', f'{old}.conv')
        source.norm(f'{target}.1', f'{old}.bn')


def graph_residual(source: Source, target: str, old: str) -> None:
    """The residual connection of a graph convolution, if it has weights."""
    if f'{old}.0.weight' in source:
        source.move(f'{target}.0', f'{old}.0')
        source.norm(f'{target}.1', f'{old}.1')
