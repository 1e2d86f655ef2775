import numpy as np
import pytest
import torch
from mmaction.registry import MODELS
from mmengine.registry import init_default_scope

from csre_mm.models import STFD
from csre_mm.models.conversion import ENCODERS, convert_state_dict
from csre_mm.utils.errors import InputError
from tests import releases

STAGES = [(3, 8, 1), (8, 16, 2), (16, 16, 1)]
RELEASES = {
    'hcn': releases.hcn,
    '2sagcn': lambda: releases.agcn(STAGES),
    'ctrgcn': lambda: releases.ctrgcn(STAGES),
    'hyperformer': lambda: releases.hyperformer([(3, 8, 1), (8, 8, 2), (8, 8, 1)]),
    'blockgcn': lambda: releases.blockgcn([(8, 8, 1), (8, 16, 2), (16, 16, 1)]),
}
GRAPH = dict(base_channels=8, num_stages=3, down_stages=(2,))
BACKBONES = {
    'hcn': dict(type='HCN', base_channels=4, width=16),
    '2sagcn': dict(type='AGCN', inflate_stages=(2,), **GRAPH),
    'ctrgcn': dict(type='CTRGCN', inflate_stages=(2,), **GRAPH),
    'hyperformer': dict(type='Hyperformer', num_heads=2, groups=2, **GRAPH),
    'blockgcn': dict(type='BlockGCN', inflate_stages=(2,), num_heads=2, **GRAPH),
}
HEADS = {
    'hcn': dict(type='HCNHead', in_channels=16, num_frames=1, num_joints=1, hidden_channels=8),
    'hyperformer': dict(type='GCNHead', in_channels=8),
}


def build(encoder):
    init_default_scope('mmaction')
    head = HEADS.get(encoder, dict(type='GCNHead', in_channels=16))
    return MODELS.build(
        dict(
            type='RecognizerGCN',
            backbone=dict(BACKBONES[encoder], graph_cfg=dict(layout=releases.LAYOUT)),
            cls_head=dict(head, num_classes=releases.CLASSES),
        )
    )


def numbers(state):
    parts = [v.flatten() for k, v in state.items() if not k.endswith('num_batches_tracked')]
    return torch.cat(parts).sort()[0]


@pytest.mark.parametrize('encoder', ENCODERS)
def test_every_number_of_a_release_has_one_place_in_ours(encoder):
    release = RELEASES[encoder]()
    model = build(encoder)
    model.load_state_dict(convert_state_dict(encoder, release), strict=True)
    assert torch.equal(numbers(model.state_dict()), numbers(release))
    assert len(numbers(release)) == release.next - 1  # each number occurs once
    counted = [v for k, v in model.state_dict().items() if k.endswith('num_batches_tracked')]
    assert {int(count) for count in counted} == ({7} if counted else set())


TEMPORAL = [
    ('tcn.squeeze.weight', np.s_[4:8], 'tcn1.branches.1.0.weight'),
    ('tcn.squeeze_bn.running_var', np.s_[8:], 'tcn1.branches.2.1.running_var'),
    ('tcn.convs.1.weight', np.s_[:], 'tcn1.branches.1.3.conv.weight'),
    ('tcn.bn.bias', np.s_[4:8], 'tcn1.branches.1.3.bn.bias'),
    ('tcn.bn.weight', np.s_[8:12], 'tcn1.branches.2.4.weight'),
    ('tcn.bn.running_mean', np.s_[12:], 'tcn1.branches.3.1.running_mean'),
    ('tcn.point.bias', np.s_[:], 'tcn1.branches.3.0.bias'),
    ('residual.0.weight', np.s_[:], 'residual.conv.weight'),
    ('gcn.residual.1.running_mean', np.s_[:], 'gcn1.down.1.running_mean'),
    ('gcn.bn.running_var', np.s_[:], 'gcn1.bn.running_var'),
]
# In the second block (our place, which part of it, the release's tensor).
BLOCK_PLACES = {
    'ctrgcn': [
        *TEMPORAL,
        ('gcn.relate.weight', np.s_[4:5], 'gcn1.convs.1.conv2.weight'),
        ('gcn.relate.bias', np.s_[2:3], 'gcn1.convs.2.conv1.bias'),
        ('gcn.value.weight', np.s_[32:], 'gcn1.convs.2.conv3.weight'),
        ('gcn.refine.bias', np.s_[16:32], 'gcn1.convs.1.conv4.bias'),
        ('gcn.A', np.s_[:], 'gcn1.PA'),
    ],
    '2sagcn': [
        *TEMPORAL[-3:],
        ('gcn.embed.weight', np.s_[16:20], 'gcn1.conv_b.1.weight'),
        ('gcn.embed.bias', np.s_[8:12], 'gcn1.conv_a.2.bias'),
        ('gcn.project.weight', np.s_[:, 8:16], 'gcn1.conv_d.1.weight'),
        ('gcn.bias', np.s_[2], 'gcn1.conv_d.2.bias'),
        ('gcn.B', np.s_[:], 'gcn1.PA'),
        ('tcn.0.weight', np.s_[:], 'tcn1.conv.weight'),
    ],
    'blockgcn': [
        *TEMPORAL,
        ('gcn.topology', np.s_[:], 'gcn1.fc1'),
        ('gcn.hop_embedding', np.s_[:], 'gcn1.rpe'),
        ('gcn.project.weight', np.s_[:, 8:], 'gcn1.fc2.2.weight'),
        ('gcn.bias', np.s_[1], 'gcn1.fc2.1.bias'),
    ],
    'hyperformer': [
        ('residual.0.weight', np.s_[:], 'residual.conv.weight'),
        ('attention.qkv.weight', np.s_[:8], 'vit1.attn.q.weight'),
        ('attention.qkv.weight', np.s_[8:], 'vit1.attn.kv.weight'),
        ('attention.hop_embedding', np.s_[:], 'vit1.attn.rpe'),
        ('attention.part_bias', np.s_[:], 'vit1.attn.w1'),
        ('attention.topology', np.s_[:], 'vit1.attn.outer'),
        ('attention.scale', np.s_[:], 'vit1.attn.alpha'),
        ('embed_parts.weight', np.s_[:], 'vit1.pe_proj.weight'),
        ('norm.bias', np.s_[:], 'vit1.norm1.bias'),
    ],
}
PLACES = {
    'hcn': [
        ('backbone.point.bias', np.s_[:4], 'conv1.0.bias'),
        ('backbone.frames.weight', np.s_[16:], 'conv2m.weight'),
        ('backbone.joints.weight', np.s_[2:], 'conv3m.0.weight'),
        ('backbone.branches.weight', np.s_[:4], 'conv4.0.weight'),
        ('backbone.merge.weight', np.s_[:], 'conv5.0.weight'),
        ('cls_head.hidden.weight', np.s_[:], 'fc7.0.weight'),
        ('cls_head.fc.bias', np.s_[:], 'fc8.bias'),
    ],
    'hyperformer': [('backbone.blocks.0.skip.weight', np.s_[:], 'l1.vit1.skip_proj.weight')],
    'blockgcn': [
        ('backbone.embed_topology.linear.weight', np.s_[8:16], 't1.mlp.weight'),
        ('backbone.embed_topology.bn.running_var', np.s_[16:], 't2.bn.running_var'),
        ('backbone.topology.centers', np.s_[:], 'topo.pl.centres'),
        ('backbone.input.position', np.s_[:], 'pos_embedding'),
        ('backbone.input.norm.bn.weight', np.s_[:], 'data_bn.weight'),
    ],
    'ctrgcn': [('backbone.input.bn.weight', np.s_[:], 'data_bn.weight')],
}


@pytest.mark.parametrize('encoder', ENCODERS)
def test_tensors_come_to_the_part_of_ours_that_does_their_work(encoder):
    release = RELEASES[encoder]()
    result = convert_state_dict(encoder, release)
    places = PLACES.get(encoder, [])
    for ours, part, theirs in BLOCK_PLACES.get(encoder, []):
        places = [*places, (f'backbone.blocks.1.{ours}', part, f'l2.{theirs}')]
    for ours, part, theirs in places:
        assert torch.equal(result[ours][part].flatten(), release[theirs].flatten()), ours


@pytest.mark.parametrize('encoder', ENCODERS)
def test_the_prefix_of_data_parallel_is_dropped_and_the_release_is_left_as_it_is(encoder):
    release = RELEASES[encoder]()
    before = dict(release)
    wrapped = {f'module.{key}': value for key, value in release.items()}
    result, expected = convert_state_dict(encoder, wrapped), convert_state_dict(encoder, release)
    assert result.keys() == expected.keys()
    assert all(torch.equal(result[key], value) for key, value in expected.items())
    assert release.keys() == before.keys()
    assert all(release[key] is value for key, value in before.items())


def test_a_release_older_than_the_count_of_batches():
    release = RELEASES['2sagcn']()
    old = {k: v for k, v in release.items() if not k.endswith('num_batches_tracked')}
    build('2sagcn').load_state_dict(convert_state_dict('2sagcn', old), strict=True)


def test_the_release_of_csre_brings_its_neck():
    release = RELEASES['hyperformer']()
    stfd = STFD(8, num_frames=3, num_joints=4, feat_dim=6, reduction=2)
    for key, layer in (
        ('conv1', stfd.spatial.squeeze),
        ('convs', stfd.spatial.project),
        ('conv2', stfd.temporal.squeeze),
        ('convt', stfd.temporal.project),
    ):
        for name in ('weight', 'bias'):
            release.tensor(f'std.{key}.{name}', *layer.get_parameter(name).shape)
    result = convert_state_dict('hyperformer', release)
    prefix = 'neck.stfd.'
    neck = {k.removeprefix(prefix): v for k, v in result.items() if k.startswith(prefix)}
    stfd.load_state_dict(neck, strict=True)
    assert torch.equal(stfd.temporal.project.bias, release['std.convt.bias'])


def one_line(encoder, state):
    with pytest.raises(InputError) as error:
        convert_state_dict(encoder, state)
    assert '\n' not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize('encoder', ENCODERS)
def test_keys_too_many_are_listed(encoder):
    release = RELEASES[encoder]()
    more = {f'more.{n:02}': torch.zeros(1) for n in range(13)}
    message = one_line(encoder, {**release, 'l99.conv.weight': torch.zeros(1)})
    assert message == '1 keys without a place: l99.conv.weight'
    message = one_line(encoder, {**release, **more})
    assert message.startswith('13 keys without a place: more.00, more.01, ')
    assert message.endswith(', more.09 and 3 more')


@pytest.mark.parametrize('encoder', ENCODERS)
def test_a_missing_tensor_is_an_error(encoder):
    """Each alone: it is named, or the other tensors of its module are left over."""
    release = RELEASES[encoder]()
    for key in release:
        if not key.endswith(('num_batches_tracked', 'skip_proj.weight')):
            message = one_line(encoder, {k: v for k, v in release.items() if k != key})
            assert key in message or key.rpartition('.')[0] in message, (key, message)


def test_the_message_of_a_missing_tensor_is_about_that_tensor():
    release = releases.hcn()
    for key in release:
        message = one_line('hcn', {k: v for k, v in release.items() if k != key})
        assert message == f'the state dict has no {key!r}: is it of this encoder?'


def test_a_missing_skip_connection_is_an_error():
    """Nothing of its module is left over; only the channels of the block show it."""
    release = RELEASES['hyperformer']()
    release.pop('l1.vit1.skip_proj.weight')
    assert 'l1.vit1.skip_proj.weight' in one_line('hyperformer', release)


@pytest.mark.parametrize('encoder', ENCODERS)
@pytest.mark.parametrize('other', ENCODERS)
def test_a_release_of_another_encoder(encoder, other):
    if encoder != other:
        assert 'state dict' in one_line(encoder, RELEASES[other]())
    assert one_line(encoder, {})


@pytest.mark.parametrize(
    'encoder, key, shape',
    [
        ('2sagcn', 'l2.gcn1.conv_a.1.weight', (4, 5, 1, 1)),
        ('ctrgcn', 'l1.tcn1.branches.1.0.weight', (2, 7, 1, 1)),
        ('hyperformer', 'l1.vit1.attn.rpe', (3, 7)),
        ('hyperformer', 'l1.vit1.attn.w1', (8,)),
        ('blockgcn', 'l3.gcn1.fc2.2.bias', (9,)),
        ('hcn', 'conv2m.weight', (16, 4, 5)),
    ],
)
def test_other_shapes_are_one_line(encoder, key, shape):
    message = one_line(encoder, {**RELEASES[encoder](), key: torch.zeros(shape)})
    assert message.startswith(f'the state dict does not have the shapes of {encoder}: ')


def test_an_unknown_encoder():
    message = one_line('stgcn', RELEASES['ctrgcn']())
    assert message == "no encoder 'stgcn'; known: hcn, 2sagcn, ctrgcn, hyperformer, blockgcn"
