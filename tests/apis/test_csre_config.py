"""What a config with CSRE need not say, and what it is told when it is wrong."""

import numpy as np
import pytest
import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope

from csre_mm.apis import build_runner, complete_config, csre_config, get_config, merge_options
from csre_mm.models import CTRGCN, CSRENeck
from csre_mm.models.necks.feature_map import find_feature_map
from csre_mm.utils.config import has_csre
from csre_mm.utils.errors import InputError
from tests.inference import small_config

FEATURE_MAPS = {
    'csre_ctrgcn_ntu60': (256, 16, 25, True),
    'csre_hcn_nwucla': (256, 4, 4, True),
    'csre_hyperformer_nwucla': (216, 13, 20, True),
    'csre_blockgcn_ntu60': (256, 16, 25, True),
}


@pytest.mark.parametrize('name', FEATURE_MAPS)
def test_the_numbers_come_from_a_dry_run(name):
    torch.manual_seed(0)
    np.random.seed(0)
    expected = torch.rand(1), np.random.rand()
    torch.manual_seed(0)
    np.random.seed(0)
    neck = complete_config(get_config(name)).model.neck
    keys = 'in_channels', 'num_frames', 'num_joints', 'with_persons'
    assert tuple(neck[key] for key in keys) == FEATURE_MAPS[name]
    assert (torch.rand(1), np.random.rand()) == expected, 'a seed gives the same run'


def test_heatmaps_have_no_person_axis():
    cfg = get_config('csre_posec3d_ntu60')
    cfg.model.backbone.base_channels = 4
    neck = complete_config(cfg).model.neck
    assert (neck.in_channels, neck.num_frames, neck.num_joints) == (64, 24, 49)
    assert neck.with_persons is False


def test_wrong_numbers_are_answered_with_the_right_ones():
    cfg = get_config('csre_posec3d_ntu60')
    cfg.model.backbone.base_channels = 4
    cfg.model.neck.update(in_channels=24, num_frames=7, num_joints=7)
    message = (
        'model.neck.in_channels is 24, .* in_channels=64, num_frames=24, num_joints=49, '
        'with_persons=False'
    )
    with pytest.raises(InputError, match=message) as caught:
        complete_config(cfg)
    assert '\n' not in str(caught.value)


def test_the_hook_comes_by_itself_and_once():
    cfg = get_config('ctrgcn_ntu60')
    cfg.custom_hooks = [dict(type='EpochSeedHook')]
    hooks = [hook['type'] for hook in complete_config(complete_config(cfg)).custom_hooks]
    assert hooks == ['EpochSeedHook', 'MemoryBankHook']


def test_a_recognizer_that_never_calls_its_neck_is_refused(ntu_file, tmp_path):
    cfg = small_config('csre_ctrgcn_ntu60', ntu_file, tmp_path)
    cfg.model.type = 'RecognizerGCN'
    with pytest.raises(InputError, match=r"set model\.type='RecognizerCSRE'"):
        build_runner(cfg)
    init_default_scope('mmaction')
    with pytest.raises(
        InputError, match=r"RecognizerGCN never calls its neck: set model\.type='Rec"
    ):
        MODELS.build(cfg.model)
    for kind in ('mmaction.CSRENeck', CSRENeck):
        cfg.model.neck['type'] = kind
        with pytest.raises(InputError, match='RecognizerGCN never calls its neck'):
            MODELS.build(cfg.model)
        assert has_csre(cfg)


@pytest.mark.parametrize(
    'change, message',
    [
        ({'model.backbone.graph_cfg.layout': 'nw-ucla'}, r'CTRGCN does not take clips'),
        ({'train_dataloader.dataset.pipeline.1.clip_len': 0}, 'clip_len is 0'),
        (
            {'train_dataloader.dataset.pipeline.1': dict(type='Flip', nothing=1)},
            'the dry run of the training pipeline fails .*: set model.neck.in_channels',
        ),
    ],
)
def test_a_dry_run_that_fails_is_one_line(change, message):
    cfg = get_config('csre_ctrgcn_ntu60')
    cfg.model.backbone.base_channels = 8
    cfg.merge_from_dict(change)
    with pytest.raises(InputError, match=message) as caught:
        complete_config(cfg)
    assert '\n' not in str(caught.value)


def model_of(**neck):
    backbone = dict(type='CTRGCN', graph_cfg=dict(layout='nturgb+d'), base_channels=8)
    head = dict(type='GCNHead', num_classes=3, in_channels=32)
    init_default_scope('mmaction')
    torch.manual_seed(0)
    model = dict(type='RecognizerCSRE', backbone=backbone, cls_head=head)
    return MODELS.build(Config({'model': {**model, 'neck': dict(type='CSRENeck', **neck)}}).model)


def test_the_model_alone_is_sized_by_the_shape_of_a_clip():
    model, by_hand = (
        model_of(input_shape=(2, 32, 25, 3)),
        model_of(in_channels=32, num_frames=8, num_joints=25),
    )
    weights, expected = model.state_dict(), by_hand.state_dict()
    assert weights.keys() == expected.keys()
    assert all(torch.equal(weights[key], expected[key]) for key in weights)
    with pytest.raises(InputError, match=r'model\.neck\.num_frames is 16, .* num_frames=8'):
        model_of(input_shape=(2, 32, 25, 3), num_frames=16)


def test_a_model_without_numbers_tests_and_does_not_train():
    model = model_of().eval()
    clips = torch.randn(1, 1, 2, 32, 25, 3)
    with torch.no_grad():
        assert model(clips, mode='tensor').shape == (1, 2, 32, 8, 25)
    with pytest.raises(InputError, match=r'set model\.neck\.input_shape=\(M, T, V, C\)'):
        model.extract_feat(clips, data_samples=[])


class Folding(CTRGCN):
    def forward(self, x):
        return super().forward(x).flatten(0, 1)


def test_an_encoder_that_folds_persons_into_the_batch():
    encoder = Folding(graph_cfg=dict(layout='nturgb+d'), base_channels=8)
    found = find_feature_map(encoder, torch.randn(1, 2, 32, 25, 3))
    assert found == (32, 8, 25, False) and encoder.training


def test_an_encoder_without_a_feature_map():
    encoder = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(150, 60))
    with pytest.raises(InputError, match=r'Sequential gives \(1, 60\) for clips .* CSRE needs a'):
        find_feature_map(encoder, torch.randn(1, 2, 1, 25, 3))


def test_two_coordinates_without_a_score():
    cfg = merge_options(get_config('csre_ctrgcn_ntu60'), {'data.in_channels': 2})
    for loader in (cfg.train_dataloader, cfg.test_dataloader):
        loader.dataset.pipeline[0] = dict(type='PreNormalize2D')
    cfg.model.data_preprocessor.rotation = 0
    assert complete_config(cfg).model.neck.num_joints == 25


def test_with_all_numbers_a_dry_run_that_fails_is_a_warning():
    cfg = get_config('csre_ctrgcn_ntu60')
    cfg.train_dataloader.dataset.pipeline.insert(0, dict(type='LoadOwnFile'))
    with pytest.raises(InputError, match=r'num_joints and with_persons'):
        complete_config(cfg)
    numbers = dict(in_channels=256, num_frames=16, num_joints=25, with_persons=True)
    cfg.model.neck.update(numbers)
    lines = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csre_config, 'print_log', lambda text, *_: lines.append(text))
        complete_config(cfg)
    assert len(lines) == 1 and 'are not checked: the dry run' in lines[0] and 'LoadOwn' in lines[0]


def test_samples_say_their_position_with_a_pipeline_of_mmaction2():
    cfg = get_config('csre_ctrgcn_ntu60')
    cfg.train_dataloader.dataset.pipeline[-1] = dict(type='PackActionInputs')
    expected = ('img_shape', 'img_key', 'video_id', 'timestamp', 'sample_idx')
    for _ in range(2):
        complete_config(cfg)
        assert cfg.train_dataloader.dataset.pipeline[-1]['meta_keys'] == expected
