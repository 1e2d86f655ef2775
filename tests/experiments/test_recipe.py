import numpy as np
import pytest
import torch
from mmaction.registry import PARAM_SCHEDULERS
from mmengine.config import Config
from mmengine.optim import OptimWrapper

from csre_mm.apis import merge_options
from csre_mm.experiments.plan import compress_schedule
from csre_mm.utils.errors import InputError
from tests.conftest import config

LENGTH = 10  # iterations of an epoch


def rates(cfg):
    """The learning rate of each iteration, as mmengine's runner steps the schedules."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    wrapper = OptimWrapper(optimizer)
    schedules = []
    for schedule in cfg.param_scheduler:
        options = dict(schedule, optimizer=wrapper)
        if options.pop('convert_to_iter_based', False):
            kind = PARAM_SCHEDULERS.get(options.pop('type'))
            schedules.append(kind.build_iter_from_epoch(**options, epoch_length=LENGTH))
        else:
            schedules.append(PARAM_SCHEDULERS.build(options))
    found = []
    for _ in range(cfg.train_cfg.max_epochs):
        for _ in range(LENGTH):
            found.append(optimizer.param_groups[0]['lr'])
            optimizer.step()
            for schedule in schedules:
                if not schedule.by_epoch:
                    schedule.step()
        for schedule in schedules:
            if schedule.by_epoch:
                schedule.step()
    return np.array(found)


def test_the_whole_recipe_is_left_alone():
    assert compress_schedule(Config.fromfile(config('hcn_nwucla')), 400) == {}


@pytest.mark.parametrize(
    'name, epochs', [('hcn_nwucla', 40), ('ctrgcn_nwucla', 13), ('stgcn_ntu60', 4)]
)
def test_the_shape_of_the_schedule_stays(name, epochs):
    cfg = Config.fromfile(config(name))
    whole = rates(cfg)
    short = rates(merge_options(cfg, compress_schedule(cfg, epochs)))
    assert len(short) == epochs * LENGTH
    # Half-way through each tenth of both runs the rate is nearly the same.
    places = (np.arange(10) + 0.5) / 10
    of_whole = whole[(places * len(whole)).astype(int)]
    of_short = short[(places * len(short)).astype(int)]
    assert (short > 0).all()
    np.testing.assert_allclose(of_short, of_whole, rtol=0.2)


def test_a_step_comes_after_the_first_epoch_at_the_earliest():
    cfg = Config.fromfile(config('2sagcn_nwucla'))
    assert compress_schedule(cfg, 1)['param_scheduler.0.milestones'] == [1, 1]


def test_what_cannot_be_compressed():
    cfg = Config(dict(train_cfg=dict(max_epochs=4), param_scheduler=[dict(type='OneCycleLR')]))
    with pytest.raises(InputError, match='how to compress a OneCycleLR'):
        compress_schedule(cfg, 2)
    cfg.param_scheduler = [dict(type='LinearLR', by_epoch=False, end=5)]
    with pytest.raises(InputError, match='count epochs'):
        compress_schedule(cfg, 2)
    with pytest.raises(InputError, match='--epochs is 0, expected at least 1'):
        compress_schedule(cfg, 0)
