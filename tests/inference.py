"""Small recognizers for the tests of prediction and export."""

import torch
from mmaction.registry import MODELS
from mmengine.registry import init_default_scope

from tests.runs import small_config

SHORT = {'test_dataloader.dataset.pipeline.1.clip_len': 16}
"""Frames after the test pipeline, fewer than in the configs."""


def make_checkpoint(name, ann_file, folder, **extra):
    """A shipped config made small, and a checkpoint of it with random weights."""
    cfg = small_config(name, ann_file, folder, **extra)
    init_default_scope('mmaction')
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    with torch.no_grad():  # scores of 0 and 1, as of new networks, would hide differences
        [m for m in model.cls_head.modules() if isinstance(m, torch.nn.Linear)][-1].weight.mul_(
            0.02
        )
    path = folder / f'{name}.pth'
    torch.save({'state_dict': model.state_dict(), 'meta': {}}, path)
    return cfg, path


def write_config(cfg, folder):
    """The config as a file, for the commands."""
    path = folder / 'config.py'
    cfg.dump(path)
    return path
