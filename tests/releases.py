"""State dicts with the names and shapes of the authors' releases; no number occurs twice."""

import torch

LAYOUT = dict(
    num_joints=4, edges=[(1, 0), (2, 0), (3, 2)], center=0, partition=[0, 1, 1, 0]
)  # fmt: skip
HOPS = 4  # 0 to 3 between its joints
CLASSES = 5


class Release(dict):
    """The tensors of a release, numbered on from one."""

    def __init__(self):
        super().__init__()
        self.next = 1

    def tensor(self, key, *shape):
        count = torch.Size(shape).numel()
        assert self.next + count < 2**24  # what single precision counts
        self[key] = torch.arange(self.next, self.next + count).float().view(shape)
        self.next += count

    def conv(self, key, out, inputs, *kernel):
        self.tensor(f'{key}.weight', out, inputs, *(kernel or (1, 1)))
        self.tensor(f'{key}.bias', out)

    def linear(self, key, out, inputs):
        self.tensor(f'{key}.weight', out, inputs)
        self.tensor(f'{key}.bias', out)

    def norm(self, key, channels):
        for name in ('weight', 'bias', 'running_mean', 'running_var'):
            self.tensor(f'{key}.{name}', channels)
        self[f'{key}.num_batches_tracked'] = torch.tensor(7)

    def multi_scale(self, key, channels):
        width = channels // 4
        for branch in range(3):
            self.conv(f'{key}.branches.{branch}.0', width, channels)
            self.norm(f'{key}.branches.{branch}.1', width)
        for branch in range(2):
            self.conv(f'{key}.branches.{branch}.3.conv', width, width, 5, 1)
            self.norm(f'{key}.branches.{branch}.3.bn', width)
        self.norm(f'{key}.branches.2.4', width)  # behind the pooling
        self.conv(f'{key}.branches.3.0', width, channels)
        self.norm(f'{key}.branches.3.1', width)

    def down(self, key, channels, out):
        if channels != out:
            self.conv(f'{key}.down.0', out, channels)
            self.norm(f'{key}.down.1', out)

    def residual(self, key, stage):
        channels, out, stride = stage
        if channels != out or stride != 1:
            self.conv(f'{key}.residual.conv', out, channels)
            self.norm(f'{key}.residual.bn', out)


def ctrgcn(stages, V=4, M=2):
    release = Release()
    release.norm('data_bn', M * V * 3)
    for number, (channels, out, stride) in enumerate(stages, 1):
        gcn, R = f'l{number}.gcn1', 8 if channels == 3 else channels // 8
        release.tensor(f'{gcn}.PA', 3, V, V)
        release.tensor(f'{gcn}.alpha', 1)
        for k in range(3):
            release.conv(f'{gcn}.convs.{k}.conv1', R, channels)
            release.conv(f'{gcn}.convs.{k}.conv2', R, channels)
            release.conv(f'{gcn}.convs.{k}.conv3', out, channels)
            release.conv(f'{gcn}.convs.{k}.conv4', out, R)
        release.down(gcn, channels, out)
        release.norm(f'{gcn}.bn', out)
        release.multi_scale(f'l{number}.tcn1', out)
        if number > 1:
            release.residual(f'l{number}', (channels, out, stride))
    release.linear('fc', CLASSES, stages[-1][1])
    return release


def agcn(stages, V=4, M=2):
    release = Release()
    release.norm('data_bn', M * V * 3)
    for number, (channels, out, stride) in enumerate(stages, 1):
        gcn = f'l{number}.gcn1'
        release.tensor(f'{gcn}.PA', 3, V, V)
        for k in range(3):
            release.conv(f'{gcn}.conv_a.{k}', out // 4, channels)
            release.conv(f'{gcn}.conv_b.{k}', out // 4, channels)
            release.conv(f'{gcn}.conv_d.{k}', out, channels)
        release.down(gcn, channels, out)
        release.norm(f'{gcn}.bn', out)
        release.conv(f'l{number}.tcn1.conv', out, out, 9, 1)
        release.norm(f'l{number}.tcn1.bn', out)
        if number > 1:
            release.residual(f'l{number}', (channels, out, stride))
    release.linear('fc', CLASSES, stages[-1][1])
    return release


def hyperformer(stages, V=4, M=2, heads=2, groups=2):
    release = Release()
    release.norm('data_bn', M * V * 3)
    for number, (channels, out, stride) in enumerate(stages, 1):
        vit = f'l{number}.vit1'
        release.linear(f'{vit}.norm1', channels, 1)
        release[f'{vit}.norm1.weight'] = release[f'{vit}.norm1.weight'].flatten()
        release.tensor(f'{vit}.attn.q.weight', out, channels, 1, 1)
        release.tensor(f'{vit}.attn.kv.weight', 2 * out, channels, 1, 1)
        release.tensor(f'{vit}.attn.rpe', HOPS, out)
        release.tensor(f'{vit}.attn.w1', heads, out // heads)
        release.tensor(f'{vit}.attn.outer', heads, V, V)
        release.tensor(f'{vit}.attn.alpha', 1)
        release.conv(f'{vit}.attn.proj', out, out // groups)
        release.tensor(f'{vit}.pe_proj.weight', out, channels, 1, 1)
        if channels != out:
            release.tensor(f'{vit}.skip_proj.weight', out, channels, 1, 1)
        release.multi_scale(f'l{number}.tcn1', out)
        release.residual(f'l{number}', (channels, out, stride))
    release.linear('fc', CLASSES, stages[-1][1])
    return release


def blockgcn(stages, V=4, M=2, heads=2):
    release, base = Release(), stages[0][0]
    release.linear('to_joint_embedding', base, 3)
    release.tensor('pos_embedding', 1, V, base)
    release.norm('data_bn', M * V * base)
    release.tensor('topo.pl.centres', 64, 2)
    release.tensor('topo.pl.sharpness', 64, 2)
    for number, (channels, out, stride) in enumerate(stages, 1):
        gcn = f'l{number}.gcn1'
        release.linear(f't{number - 1}.mlp', channels, 64)
        release.norm(f't{number - 1}.bn', channels)
        release.tensor(f'{gcn}.fc1', 3, heads, V, V)
        release.tensor(f'{gcn}.rpe', 3, heads, HOPS)
        for k in range(3):
            release.conv(f'{gcn}.fc2.{k}', out, channels // heads)
        release.down(gcn, channels, out)
        release.norm(f'{gcn}.bn', out)
        release.multi_scale(f'l{number}.tcn1', out)
        release.residual(f'l{number}', (channels, out, stride))
    release.linear('fc', CLASSES, stages[-1][1])
    return release


def hcn(base=4, V=4, width=16):
    release = Release()
    for branch in ('', 'm'):
        release.conv(f'conv1{branch}.0', base, 3)
        release.conv(f'conv2{branch}', width, base, 3, 1)
        release.conv(f'conv3{branch}.0', base // 2, V, 3, 3)
        release.conv(f'conv4{branch}.0', base, base // 2, 3, 3)
    release.conv('conv5.0', 2 * base, 2 * base, 3, 3)
    release.conv('conv6.0', 4 * base, 2 * base, 3, 3)
    release.linear('fc7.0', 8, 4 * base)
    release.linear('fc8', CLASSES, 8)
    return release
