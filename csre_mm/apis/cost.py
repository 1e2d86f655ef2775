"""Parameters and multiply-adds of what training and testing compute of a sample."""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from mmaction.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from csre_mm.apis.csre_config import complete_config
from csre_mm.apis.recognizer import baseline_model, example_clips
from csre_mm.engine.hooks.memory_bank_hook import count_slots
from csre_mm.models.necks import CSRENeck
from csre_mm.utils.config import build, has_csre, innermost_datasets, pipeline_of


@dataclass(frozen=True)
class Cost:
    """What a graph costs for one clip.

    Attributes:
        shape: The clip, as the encoder takes it.
        parameters: Number of parameters by part: ``encoder``, ``head`` and, with CSRE in training,
            ``neck``.
        macs: Multiply-adds of the forward pass by part; beside those the ``contrast``, that is, the
            similarities to both banks.
        step_macs: Multiply-adds of forward and backward pass, where something is trained.
        bank_bytes: Memory of both banks.
    """

    shape: tuple[int, ...]
    parameters: dict[str, int]
    macs: dict[str, int]
    step_macs: int | None = None
    bank_bytes: int = 0


@dataclass(frozen=True)
class CostReport:
    """The costs of a config and of its baseline.

    Attributes:
        columns: By name: ``CSRE training``, ``CSRE test`` (both with CSRE only),
            ``baseline training`` and ``baseline test``.
        slots: Slots S of a bank; None if unknown, and then the contrast is left out.
        slots_from: Where the number comes from, in words.
        clips: Clips of a sample that the testing pipeline makes.
    """

    columns: dict[str, Cost] = field(default_factory=dict)
    slots: int | None = None
    slots_from: str = ''
    clips: int = 1


def measure_costs(cfg: Config, slots: int | None = None) -> CostReport:
    """Count the parameters and multiply-adds of a config's graphs.

    Each graph is built and run with one clip, and PyTorch's counter adds up its convolutions and
    matrix products; normalisations, activations and sums are not counted. The similarities to the
    banks are S * D multiply-adds each, D the width of a slot.

    Args:
        cfg: A config with or without CSRE.
        slots: Slots S of each bank, that is, training samples; by default the number of samples of
            ``train_dataloader``, if its annotation file is there.

    Raises:
        InputError: If the model cannot be built, or its pipelines do not say the shape of a clip.
    """
    init_default_scope(cfg.get('default_scope', 'mmaction'))
    columns, source = {}, 'no memory bank'
    if has_csre(cfg):
        model = build(MODELS.build, complete_config(copy.deepcopy(cfg)).model).eval()
        clip = example_clips(model, cfg, 1, training=True)
        slots, source = (slots, '--slots') if slots else count_bank_slots(cfg)
        columns['CSRE training'] = measure_training(model, clip, slots)
        columns['CSRE test'] = measure_test(model, example_clips(model, cfg, 1))
    model = build(MODELS.build, baseline_model(cfg)).eval()
    clip = example_clips(model, cfg, 1, training=True)
    columns['baseline training'] = measure_training(model, clip)
    columns['baseline test'] = measure_test(model, example_clips(model, cfg, 1))
    return CostReport(columns, slots if has_csre(cfg) else None, source, clips_of_a_test(cfg))


def measure_test(model: Any, clip: Tensor) -> Cost:
    """The cost of a score: encoder and head.

    Args:
        model: A recognizer; a neck of CSRE is not touched.
        clip: (1, M, T, V, C), or (1, V, T, H, W).
    """
    _, macs = _forward(model, clip)
    parameters = {'encoder': _count(model.backbone), 'head': _count(model.cls_head)}
    return Cost(tuple(clip.shape), parameters, macs)


def measure_training(model: Any, clip: Tensor, slots: int | None = None) -> Cost:
    """The cost of a sample in training.

    Args:
        model: A recognizer, with or without a neck of CSRE.
        clip: (1, M, T, V, C), or (1, V, T, H, W).
        slots: Slots of each bank; without them the contrast is left out.
    """
    neck = model.neck if model.with_neck and isinstance(model.neck, CSRENeck) else None
    x, macs = _forward(model, clip)
    parameters = {'encoder': _count(model.backbone), 'head': _count(model.cls_head)}
    step, bank_bytes = _macs(lambda: _backward(model, neck, clip)), 0
    if neck is not None:
        parameters['neck'] = _count(neck)
        macs['neck'] = _macs(lambda: _decompose(neck, x))
    if neck is not None and slots:
        macs['contrast'] = 0
        for loss in (neck.loss_spatial, neck.loss_temporal):
            bank, dims = loss.bank, loss.bank.feat_dim
            macs['contrast'] += slots * dims
            # The gradient is a weighted sum of the slots that the anchor is paired with.
            counts = [int(k * slots) if isinstance(k, float) else k for k in loss.num_pairs(slots)]
            positives, negatives = (min(count, slots) for count in counts)
            step += (slots + positives + 2 * negatives) * dims
            bank_bytes += slots * (dims * bank.features.element_size() + bank.labels.element_size())
    return Cost(tuple(clip.shape), parameters, macs, step, bank_bytes)


def _forward(model: Any, clip: Tensor) -> tuple[Tensor, dict[str, int]]:
    """The encoder's map, and the multiply-adds of encoder and head."""
    maps: list[Tensor] = []
    with torch.no_grad():
        macs = {'encoder': _macs(lambda: maps.append(model.backbone(clip)))}
        macs['head'] = _macs(lambda: model.cls_head(maps[0]))
    return maps[0], macs


def _decompose(neck: CSRENeck, x: Tensor) -> tuple[Tensor, Tensor]:
    return neck.decompose(x, 1)


def _backward(model: Any, neck: CSRENeck | None, clip: Tensor) -> None:
    x = model.backbone(clip)
    total = model.cls_head(x).sum()
    if neck is not None:
        total = total + sum(z.sum() for z in _decompose(neck, x))
    total.backward()


def _macs(function: Callable[[], object]) -> int:
    with FlopCounterMode(display=False) as counter:
        function()
    return counter.get_total_flops() // 2


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def count_bank_slots(cfg: Config) -> tuple[int | None, str]:
    """Slots that the banks need for the training set, and in words where that was found.

    Raises:
        InputError: If the annotation file is there and cannot be used.
    """
    _, dataset = innermost_datasets(cfg, 'train_dataloader')[0]
    file = dataset.get('ann_file', '')
    if not Path(file).is_file():
        return None, f'the annotation file {file} is not there'
    return count_slots(build(DATASETS.build, cfg.train_dataloader.dataset)), file


def clips_of_a_test(cfg: Config) -> int:
    """Clips that the testing pipeline makes of a sample; a mirrored copy counts."""
    steps = pipeline_of(cfg)
    return math.prod(step.get('num_clips', 1) * (1 + step.get('double', False)) for step in steps)
