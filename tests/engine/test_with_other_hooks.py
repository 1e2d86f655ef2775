"""Memory banks together with other hooks, gradient accumulation and torch.compile."""

import copy

import pytest
import torch
from mmaction.registry import DATASETS, MODELS
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope

from csre_mm.utils.checkpoints import load_checkpoint_file
from tests.runs import make_runner, small_config


def with_ema(ntu_file, folder, **extra):
    cfg = small_config('csre_ctrgcn_ntu60', ntu_file, folder, **extra)
    cfg.custom_hooks.append(dict(type='EMAHook', momentum=0.5))
    from csre_mm.apis import build_runner

    return build_runner(cfg)


def test_moving_average_of_the_weights(ntu_file, tmp_path):
    """EMAHook copies the model: the copy has banks of the same size, and both are resumed."""
    runner = with_ema(ntu_file, tmp_path, **{'train_cfg.max_epochs': 1})
    runner.train()
    checkpoint = load_checkpoint_file(str(tmp_path / 'epoch_1.pth'))
    key = 'neck.loss_spatial.bank.labels'
    assert (checkpoint['state_dict'][key] >= 0).all()
    assert checkpoint['ema_state_dict'][f'module.{key}'].shape == (24,)
    resumed = with_ema(ntu_file, tmp_path, **{'train_cfg.max_epochs': 2, 'resume': True})
    resumed.train()
    assert (tmp_path / 'epoch_2.pth').exists()


def test_gradient_accumulation_writes_every_batch(ntu_file, tmp_path):
    options = {'optim_wrapper.accumulative_counts': 3, 'train_cfg.max_epochs': 1}
    runner = make_runner('csre_ctrgcn_ntu60', ntu_file, tmp_path, **options)
    runner.train()
    assert (runner.model.neck.loss_temporal.bank.labels >= 0).all()


def losses_of_a_step(cfg, compiled):
    init_default_scope('mmaction')
    torch.manual_seed(0)
    model = MODELS.build(copy.deepcopy(cfg.model)).train()
    for loss in (model.neck.loss_spatial, model.neck.loss_temporal):
        loss.bank.allocate(24)
    if compiled:
        model.backbone.compile(backend='eager')
    dataset = DATASETS.build(copy.deepcopy(cfg.train_dataloader.dataset))
    torch.manual_seed(1)
    data = model.data_preprocessor(pseudo_collate([dataset[i] for i in range(6)]), training=True)
    losses = model(**data, mode='loss')
    sum(value for key, value in losses.items() if 'loss' in key).backward()
    grads = {name: parameter.grad for name, parameter in model.named_parameters()}
    return {key: value.detach() for key, value in losses.items()}, grads, set(model.state_dict())


@pytest.mark.filterwarnings('ignore')
def test_a_compiled_backbone(ntu_file, tmp_path):
    cfg = small_config('csre_ctrgcn_ntu60', ntu_file, tmp_path)
    eager, compiled = (losses_of_a_step(cfg, compiled) for compiled in (False, True))
    torch.testing.assert_close(compiled[0], eager[0])
    torch.testing.assert_close(compiled[1], eager[1])
    assert compiled[2] == eager[2], 'the names in a checkpoint stay'
