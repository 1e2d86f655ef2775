import logging
from types import SimpleNamespace

import pytest
from mmengine.config import ConfigDict
from mmengine.dataset import ConcatDataset

from csre_mm.apis import build_runner
from csre_mm.datasets import (
    PreNormalize2D,
    SkeletonDataset,
    load_annotations,
    save_annotations,
)
from csre_mm.datasets.input_shape import InputShape
from csre_mm.engine.hooks.start_check_hook import check_pixels, find_cut_schedules, warn_of_overlap
from csre_mm.utils.errors import InputError
from tests.runs import small_config


@pytest.mark.parametrize(
    ('training', 'message'),
    [
        ([('ntu', 'xsub_train')], None),
        ([('ntu', 'xsub_train'), ('ntu', 'xsub_val')], '24 of the 24'),
        ([('ntu', None)], '24 of the 24'),
        ([('copy', 'xsub_val')], None),  # another file may have the same names for other samples
    ],
)
def test_validation_samples_that_train_are_counted(ntu_file, tmp_path, caplog, training, message):
    copy = tmp_path / 'copy.pkl'
    copy.write_bytes(ntu_file.read_bytes())
    files = {'ntu': str(ntu_file), 'copy': str(copy)}
    parts = [SkeletonDataset(files[file], pipeline=[], split=split) for file, split in training]
    train = ConcatDataset(parts)
    val = SkeletonDataset(str(ntu_file), pipeline=[], split='xsub_val')
    runner = SimpleNamespace(
        train_dataloader=SimpleNamespace(dataset=train),
        val_dataloader=SimpleNamespace(dataset=val),
        logger=logging.getLogger('overlap'),
    )
    warn_of_overlap(runner)
    assert [record.getMessage()[:12] for record in caplog.records] == [message] * bool(message)
    if message:
        assert caplog.text.count('such as xsub_val_000: the accuracy says nothing') == 1


def test_metres_for_pixels(ntu_file, tmp_path):
    step = PreNormalize2D()
    metres = SkeletonDataset(str(ntu_file), pipeline=[step], split='xsub_train')
    with pytest.raises(InputError, match='PreNormalize2D takes pixels, the first two coordinates'):
        check_pixels(metres)
    check_pixels(SkeletonDataset(str(ntu_file), pipeline=[], split='xsub_train'))
    data = load_annotations(ntu_file)
    for sample in data['annotations'][1:]:  # the first stays: one odd sample is no other unit
        sample['keypoint'] = 300 + 100 * sample['keypoint'][..., :2]
    data['annotations'][0]['keypoint'] = data['annotations'][0]['keypoint'][..., :2]
    save_annotations(data, tmp_path / 'pixels.pkl')
    pixels = SkeletonDataset(str(tmp_path / 'pixels.pkl'), pipeline=[step], split='xsub_train')
    check_pixels(pixels)
    with pytest.raises(InputError, match='x: PreNormalize2D takes pixels'):
        InputShape(pixels=True).check(metres.get_data_info(0)['keypoint'], False, 'x')


STEPS = dict(type='MultiStepLR', milestones=[1, 2, 5], by_epoch=True)
COSINE = dict(type='CosineAnnealingLR', T_max=8, by_epoch=True, convert_to_iter_based=True)
WARMUP = dict(type='LinearLR', begin=0, end=6, by_epoch=False)


@pytest.mark.parametrize(
    ('schedule', 'message'),
    [
        (STEPS, 'MultiStepLR of param_scheduler: the milestones 2, 5 have no effect, the training'),
        (COSINE, 'CosineAnnealingLR of param_scheduler: it goes on to 24, the training has 6 iter'),
        (dict(type='LinearLR', end=7, by_epoch=False), 'LinearLR of param_scheduler: it goes on'),
        ({**STEPS, 'milestones': [1]}, None),
        ({**COSINE, 'T_max': 2}, None),
        (WARMUP, None),
        (dict(type='ExponentialLR', gamma=0.9), None),
    ],
)
def test_a_schedule_that_the_training_cuts_off_is_named(ntu_file, tmp_path, schedule, message):
    cfg = small_config('ctrgcn_ntu60', ntu_file, tmp_path, **{'train_cfg.max_epochs': 2})
    cfg.param_scheduler = [ConfigDict(schedule)]
    runner = build_runner(cfg)
    runner.train()
    found = list(find_cut_schedules(runner))
    assert len(found) == bool(message)
    assert message is None or found[0].startswith(message)
