"""Parameters and multiply-adds of what training and testing compute for a sample."""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from mmaction.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from csre_mm.apis.csre_config import complete_config
from csre_mm.apis.data_settings import apply_data_settings
from csre_mm.apis.recognizer import baseline_model, example_clips
from csre_mm.engine.hooks.memory_bank_hook import count_slots
from csre_mm.models.necks.csre_neck import CSRENeck
from csre_mm.utils.config import build, has_csre, innermost_datasets, pipeline_of


@dataclass(frozen=True)
class Cost:
    """What a graph costs for one clip.

    The parts are ``encoder``, ``head`` and, with CSRE in training, ``neck`` and ``contrast``, that
    is, the similarities to both banks.
    """

    shape: tuple[int, ...]  # of the clip, as the encoder takes it
    parameters: dict[str, int]  # by part
    macs: dict[str, int]  # multiply-adds of the forward pass by part
    step_macs: int | None = None  # of forward and backward pass, where something is trained
    bank_bytes: int = 0  # of both banks


@dataclass(frozen=True)
class CostReport:
    """The costs of a config and of its baseline.

    The columns are ``CSRE training``, ``CSRE test`` (both with CSRE only), ``baseline training``
    and ``baseline test``.
    """

    columns: dict[str, Cost]  # by name
    slots: int | None  # S of a bank; None if unknown, and then the contrast is left out
    slots_from: str  # where the number comes from, in words
    clips: int  # that the testing pipeline makes of a sample


def measure_costs(cfg: Config, slots: int | None = None) -> CostReport:
    """Count the parameters and multiply-adds of a config's graphs.

    Each graph is built and run with one clip, and PyTorch's counter adds up its convolutions and
    matrix products; normalisations, activations and sums are not counted. The similarities to the
    banks are S * D multiply-adds each, D the width of a slot.

    Args:
        cfg: A config with or without CSRE.
        slots: Slots S of each bank, that is, training samples; by default the number of samples of
            ``train_dataloader``, if its annotation file is present.

    Raises:
        InputError: If the model cannot be built, or its pipelines do not say the shape of a clip.

    Example:
        >>> report = measure_costs(Config.fromfile('config.py'))
        >>> list(report.columns), report.slots
        (['CSRE training', 'CSRE test', 'baseline training', 'baseline test'], 24)
    """
    cfg = apply_data_settings(copy.deepcopy(cfg))
    init_default_scope(cfg.get('default_scope', 'mmaction'))
    columns, source = {}, 'no memory bank'
    for name in ('CSRE', 'baseline') if has_csre(cfg) else ('baseline',):
        csre = name == 'CSRE'
        settings = complete_config(cfg).model if csre else baseline_model(cfg)
        model = build(MODELS.build, settings).eval()
        clip = example_clips(model, cfg, 1, training=True)
        if name == 'CSRE':
            slots, source = (slots, '--slots') if slots else count_bank_slots(cfg)
        columns[f'{name} training'] = measure_training(model, clip, slots)
        columns[f'{name} test'] = measure_test(model, example_clips(model, cfg, 1))
    return CostReport(columns, slots if has_csre(cfg) else None, source, clips_of_a_test(cfg))


def measure_test(model: Any, clip: Tensor) -> Cost:
    """The cost of a score of a clip (1, M, T, V, C) or (1, V, T, H, W): encoder and head."""
    with torch.no_grad():
        x = model.backbone(clip)
        encoder = _macs(lambda: model.backbone(clip))
        head = _macs(lambda: model.cls_head(x))
    parameters = {'encoder': _count(model.backbone), 'head': _count(model.cls_head)}
    return Cost(tuple(clip.shape), parameters, {'encoder': encoder, 'head': head})


def measure_training(model: Any, clip: Tensor, slots: int | None = None) -> Cost:
    """The cost of a clip in training; without the slots of the banks the contrast is left out."""
    neck = model.neck if model.with_neck and isinstance(model.neck, CSRENeck) else None

    def step() -> None:
        x = model.backbone(clip)
        outputs = [model.cls_head(x), *(neck.decompose(x, 1) if neck else ())]
        sum(output.sum() for output in outputs).backward()

    test, bank_bytes = measure_test(model, clip), 0
    parameters, macs, step_macs = test.parameters, test.macs, _macs(step)
    if neck is not None:
        parameters['neck'] = _count(neck)
        x = model.backbone(clip)
        macs['neck'] = _macs(lambda: neck.decompose(x, 1))
    if neck is not None and slots:
        macs['contrast'] = 0
        for loss in (neck.loss_spatial, neck.loss_temporal):
            bank, dims = loss.bank, loss.bank.feat_dim
            macs['contrast'] += slots * dims
            # The gradient is a weighted sum of the slots that the anchor is paired with.
            counts = [int(k * slots) if isinstance(k, float) else k for k in loss.num_pairs(slots)]
            positives, negatives = (min(count, slots) for count in counts)
            step_macs += (slots + positives + 2 * negatives) * dims
            bank_bytes += slots * (dims * bank.features.element_size() + bank.labels.element_size())
    return Cost(test.shape, parameters, macs, step_macs, bank_bytes)


def _macs(function: Callable[[], object]) -> int:
    with FlopCounterMode(display=False) as counter:
        function()
    return counter.get_total_flops() // 2


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def count_bank_slots(cfg: Config) -> tuple[int | None, str]:
    """Slots that the banks need for the training set, and in words where that was found."""
    _, dataset = innermost_datasets(cfg, 'train_dataloader')[0]
    file = dataset.get('ann_file', '')
    if not Path(file).is_file():
        return None, f'no annotation file {file}'
    return count_slots(build(DATASETS.build, cfg.train_dataloader.dataset)), file


def clips_of_a_test(cfg: Config) -> int:
    """Clips that the testing pipeline makes of a sample; a mirrored copy counts."""
    steps = pipeline_of(cfg)
    return math.prod(step.get('num_clips', 1) * (1 + step.get('double', False)) for step in steps)
