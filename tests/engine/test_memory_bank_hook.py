import numpy as np
import pytest
import torch
from mmaction.registry import DATASETS
from mmengine.dataset import ConcatDataset, RepeatDataset
from mmengine.registry import init_default_scope

from csre_mm.datasets import SkeletonDataset, SlotPerRepeatDataset
from csre_mm.datasets.labels import innermost
from csre_mm.engine.hooks.contrast_summary import describe_contrasts, find_void_mining
from csre_mm.engine.hooks.memory_bank_hook import count_slots, innermost_dataset
from csre_mm.models import MemoryContrastLoss
from csre_mm.utils.errors import InputError
from tests.conftest import make_annotations
from tests.runs import make_runner


@pytest.fixture
def dataset(ntu_file):
    return SkeletonDataset(str(ntu_file), pipeline=[], split='xsub_train')


def test_innermost_dataset(dataset):
    assert innermost_dataset(RepeatDataset(dataset, times=5)) is dataset
    assert innermost_dataset(dataset) is dataset
    with pytest.raises(InputError, match='which a ConcatDataset does not give'):
        innermost_dataset(ConcatDataset([dataset, dataset]))


def test_slots_of_repeats(dataset):
    assert count_slots(dataset) == count_slots(RepeatDataset(dataset, times=5)) == 24
    assert count_slots(SlotPerRepeatDataset(dataset, times=5)) == 120
    settings = dict(
        type='SkeletonDataset', ann_file=dataset.ann_file, pipeline=[], split=dataset.split
    )
    slots = dict(type='SlotPerRepeatDataset', times=5, dataset=settings)
    init_default_scope('mmaction')
    repeated = DATASETS.build(dict(type='RepeatDataset', times=2, dataset=slots))
    assert len(repeated) == 240 and count_slots(repeated) == 120


def test_data_sets_are_found_whatever_wraps_them(dataset):
    assert list(innermost(ConcatDataset([dataset, dataset]))) == [dataset, dataset]
    assert list(innermost(RepeatDataset(dataset, times=2))) == [dataset]


def test_banks_are_as_large_as_the_training_set_and_filled_in_an_epoch(ntu_file, tmp_path):
    runner = make_runner('csre_ctrgcn_ntu60', ntu_file, tmp_path, **{'train_cfg.max_epochs': 1})
    assert runner.model.neck.loss_spatial.bank.num_slots == 0
    runner.train()
    samples = runner.train_dataloader.dataset
    for loss in (runner.model.neck.loss_spatial, runner.model.neck.loss_temporal):
        assert loss.bank.labels.tolist() == samples.labels.tolist()
        torch.testing.assert_close(loss.bank.features.norm(dim=1), torch.ones(24))
    before = runner.model.neck.loss_spatial.bank.features.clone()
    runner.val()
    assert torch.equal(runner.model.neck.loss_spatial.bank.features, before)
    hooks = runner.model.cls_head._forward_pre_hooks
    assert len(hooks) == 1, 'the check of the feature map comes once'


def test_a_slot_for_each_repeat(ucla_file, tmp_path):
    repeated = {'train_dataloader.dataset.type': 'SlotPerRepeatDataset'}
    once = {'train_cfg.max_epochs': 1}
    runner = make_runner('csre_ctrgcn_nwucla', ucla_file, tmp_path, **repeated, **once)
    runner.train()
    samples = runner.train_dataloader.dataset.dataset
    bank = runner.model.neck.loss_spatial.bank
    assert bank.labels.tolist() == 5 * samples.labels.tolist()
    slots = bank.features.view(5, 24, -1)
    assert (slots[0] != slots[1]).any(dim=1).all()  # each from another augmentation


def test_sample_idx_is_asked_for(ntu_file, tmp_path):
    """mmaction2's pipelines do not pass it on."""
    keys = {'train_dataloader.dataset.pipeline.3.meta_keys': "('frame_dir',)"}
    runner = make_runner('csre_ctrgcn_ntu60', ntu_file, tmp_path, **keys)
    runner.train()
    assert (runner.model.neck.loss_spatial.bank.labels >= 0).all()


def test_a_training_set_that_changed_size_under_a_resumed_bank(ntu_file, tmp_path):
    one = {'train_cfg.max_epochs': 1}
    make_runner('csre_ctrgcn_ntu60', ntu_file, tmp_path, **one).train()
    runner = make_runner(
        'csre_ctrgcn_ntu60',
        ntu_file,
        tmp_path,
        **{'resume': True, 'train_dataloader.dataset.indices': 20},
    )
    with pytest.raises(InputError, match='has 24 x 256 numbers, the model needs 20 x 256'):
        runner.train()


def test_another_training_set_of_the_same_size_under_a_resumed_bank(ntu_file, tmp_path):
    once, work = {'train_cfg.max_epochs': 1}, tmp_path / 'work'
    make_runner('csre_ctrgcn_ntu60', ntu_file, work, **once).train()
    other = make_annotations(tmp_path / 'other.pkl', num_classes=4, per_class=6)
    twice = {'resume': True, 'train_cfg.max_epochs': 2}
    again = make_runner('csre_ctrgcn_ntu60', other, work, **twice)
    message = '18 of 24 slots have another class than their sample, such as slot 3 0 instead of 3'
    with pytest.raises(InputError, match=message):
        again.train()
    started = make_runner(
        'csre_ctrgcn_ntu60', other, tmp_path / 'new', load_from=str(work / 'epoch_1.pth'), **once
    )
    started.train()


def test_a_run_from_the_weights_of_another_starts_with_empty_banks(ntu_file, tmp_path):
    one = {'train_cfg.max_epochs': 1}
    make_runner('csre_ctrgcn_ntu60', ntu_file, tmp_path / 'a', **one).train()
    runner = make_runner(
        'csre_ctrgcn_ntu60',
        ntu_file,
        tmp_path / 'b',
        **{
            'load_from': str(tmp_path / 'a/epoch_1.pth'),
            'train_dataloader.dataset.indices': 20,
            'optim_wrapper.optimizer.lr': 0.0,
            **one,
        },
    )
    weight = torch.load(tmp_path / 'a/epoch_1.pth', weights_only=False)['state_dict']
    runner.train()
    assert runner.model.neck.loss_spatial.bank.num_slots == 20
    name = 'neck.stfd.spatial.project.weight'
    assert torch.equal(runner.model.state_dict()[name], weight[name])


def test_an_inactive_contrast_is_reported(ntu_file, tmp_path):
    options = {
        'model.neck.loss.gate': 'strict',
        'model.neck.loss.num_positives': 128,
        'model.neck.loss.num_negatives': 512,
        'train_cfg.max_epochs': 1,
    }
    runner = make_runner('csre_ctrgcn_ntu60', ntu_file, tmp_path, **options)
    runner.train()
    log = next(tmp_path.glob('*/*.log')).read_text()
    lines = (
        'CSRE is on: spatial and temporal contrast.',
        'The weight of a contrast is 0.0024.',
        'The temperature is 0.8.',
        'A memory bank has 24 slots.',
        'K+ is 128 of the 8 slots of a class.',
        'K- is 512 of the 16 slots of other classes, for hard and for random negatives.',
        'neck.loss_spatial: hard mining is void, num_negatives 512 takes all of at most 16 slots',
    )
    assert all(line in log for line in lines)
    assert 'neck.loss_spatial is inactive: no anchor of this batch has enough positives' in log
    assert "gate='strict', K+ = 128, K- = 512, 24 of 24 slots filled" in log


@pytest.mark.parametrize('loop', ['train', 'val', 'test'])
def test_labels_that_the_classifier_has_no_score_for(ntu_file, tmp_path, loop):
    options = {'model.cls_head.num_classes': 2}
    runner = make_runner('ctrgcn_ntu60', ntu_file, tmp_path, **options)
    message = 'has the labels 0 to 2, the classifier has 2 classes: set .*num_classes=3'
    with pytest.raises(InputError, match=message):
        getattr(runner, loop)()


def test_a_baseline_says_that_csre_is_off(ntu_file, tmp_path):
    make_runner('ctrgcn_ntu60', ntu_file, tmp_path, **{'train_cfg.max_epochs': 1}).train()
    assert (
        'CSRE is off: the model has no memory bank.' in next(tmp_path.glob('*/*.log')).read_text()
    )


def make_losses(slots, **options):
    losses = {
        name: MemoryContrastLoss(4, **options) for name in ('n.loss_spatial', 'n.loss_temporal')
    }
    for loss in losses.values():
        loss.bank.allocate(slots)
    return losses


def test_the_summary_names_what_differs():
    losses = make_losses(1020, num_positives=0.25, num_negatives=None, loss_weight=None)
    losses['n.loss_temporal'].temperature = 0.1
    losses['n.loss_temporal'].warmup_iters = 1000
    lines = list(describe_contrasts(losses, np.array([96, 124, 800])))
    assert lines == [
        'CSRE is on: spatial and temporal contrast.',
        'The weight of a contrast is 0.102.',
        'The weight rises from 0 over 0 (spatial), 1000 (temporal) iterations.',
        'The temperature is 0.8 (spatial), 0.1 (temporal).',
        'A memory bank has 1,020 slots.',
        'K+ is 25 % of the 96 to 800 slots of a class.',
        'K- is 127 of the 220 to 924 slots of other classes, for hard and for random negatives.',
    ]
    assert list(find_void_mining(losses, np.array([96, 124, 800]))) == []


def test_mining_that_takes_everything_is_void():
    losses = make_losses(431, num_positives=1.0)
    found = list(find_void_mining(losses, np.full(27, 16)))
    assert [line.split(' takes')[0] for line in found[:2]] == [
        'n.loss_spatial: hard mining is void, num_positives 100 %',
        'n.loss_spatial: hard mining is void, num_negatives 512',
    ]
    assert len(found) == 4 and 'at most 416 slots of other classes' in found[1]
