"""Repairs of the OpenMMLab stack on a current PyTorch, each with its reason.

``import csre_mm`` calls :func:`apply` before anything imports ``mmaction.models``. A repair touches
the one function that has the fault. Where the fault can be asked for, as a missing module or
device, it acts only if it is present. Those of imports are in
:mod:`csre_mm.utils.mmaction_imports`, those of files in :mod:`csre_mm.utils.mmengine_files`.
"""

import functools
import logging
from typing import Any

import torch
from mmengine.device import get_device
from mmengine.logging import print_log

from csre_mm.utils.config import is_csre_neck
from csre_mm.utils.device import fast_bfloat16, on_cpu, widest
from csre_mm.utils.errors import InputError
from csre_mm.utils.mmaction_imports import (
    defer_scipy_stats,
    leave_out_multimodal,
    silence_missing_ops,
    supply_missing_drn,
    supply_numpy_inf,
)
from csre_mm.utils.mmengine_files import (
    find_shipped_bases,
    insist_on_pretrained,
    read_without_running,
    replace_pkg_resources,
    write_checkpoints_whole,
)


@functools.cache
def apply() -> None:
    """Apply every repair that is needed; the second call does nothing."""
    silence_missing_ops()
    replace_pkg_resources()
    find_shipped_bases()
    supply_missing_drn()
    leave_out_multimodal()
    read_without_running()
    insist_on_pretrained()
    write_checkpoints_whole()
    launch_without_gpu()
    amp_without_gpu()
    score_on_the_device()
    log_scalars_at_once()
    supply_numpy_inf()
    defer_scipy_stats()
    refuse_ignored_neck()
    check_graphs()


def no_accelerator() -> bool:
    """Whether training runs on the CPU."""
    return get_device() == 'cpu'


def launch_without_gpu() -> None:
    """Let ``--launcher pytorch`` run on a machine without an accelerator.

    mmengine 0.10.7 uses nccl, sets a CUDA device for every process and hands its number to
    DistributedDataParallel; all three raise on the CPU.
    """
    if not no_accelerator():
        return
    import mmengine.dist.utils
    from mmengine.model import MMDistributedDataParallel

    def init_dist_pytorch(backend: str, init_backend: str = 'torch', **kwargs: Any) -> None:
        torch.distributed.init_process_group(backend='gloo', **kwargs)

    wrap = MMDistributedDataParallel.__init__

    def init(self: object, module: object, *args: object, **kwargs: object) -> None:
        kwargs['device_ids'] = None
        wrap(self, module, *args, **kwargs)

    mmengine.dist.utils._init_dist_pytorch = init_dist_pytorch
    MMDistributedDataParallel.__init__ = init


def amp_without_gpu() -> None:
    """Let ``--amp`` train in bfloat16 on the CPU.

    ``AmpOptimWrapper`` of mmengine 0.10.7 asserts an accelerator, although its autocast supports
    the CPU. The loss needs no scaling: bfloat16 has the range of float32. A processor without
    bfloat16 instructions is told of in a warning: a step of CTR-GCN or HCN takes there 6 to 7 times
    as long as in float32 (AMD EPYC with AVX2 alone, 1 thread, torch 2.13).
    """
    if not no_accelerator():
        return
    from mmengine.optim import AmpOptimWrapper, OptimWrapper

    def init(
        self: object,
        loss_scale: object = 'dynamic',
        dtype: str | torch.dtype | None = None,
        use_fsdp: bool = False,
        **kwargs: object,
    ) -> None:
        if dtype not in (None, 'bfloat16', torch.bfloat16):
            raise InputError(f'optim_wrapper.dtype is {dtype}: a CPU trains in bfloat16 only')
        if not fast_bfloat16():
            print_log(
                'This processor has no bfloat16 instructions: mixed precision (--amp) is several '
                'times slower here than training without it.',
                logger='current',
                level=logging.WARNING,
            )
        OptimWrapper.__init__(self, **kwargs)
        self._scale_update_param = None  # type: ignore[attr-defined]
        self.loss_scaler = torch.amp.GradScaler('cpu', enabled=False)  # type: ignore[attr-defined]
        self.cast_dtype = torch.bfloat16  # type: ignore[attr-defined]

    AmpOptimWrapper.__init__ = init


def score_on_the_device() -> None:
    """Let heads of mmaction2 compute accuracies where the scores are.

    ``BaseHead.loss_by_feat`` turns scores and labels into NumPy arrays, which waits for a GPU
    twice, and which cannot hold bfloat16: ``--amp`` fails. For other labels than one class it
    stays.
    """
    from mmaction.models.heads import BaseHead

    loss_by_feat = BaseHead.loss_by_feat

    @functools.wraps(loss_by_feat)
    def wrapper(self: Any, cls_scores: torch.Tensor, data_samples: Any) -> dict:
        if cls_scores.dtype == torch.bfloat16:
            cls_scores = cls_scores.float()
        labels = torch.stack([sample.gt_label for sample in data_samples]).to(cls_scores.device)
        one_class = labels.shape[1:] == (1,) and self.num_classes > 1
        if not one_class or self.label_smooth_eps or self.multi_class:
            return loss_by_feat(self, cls_scores, data_samples)
        best = cls_scores.detach().topk(min(max(self.topk), cls_scores.shape[1])).indices
        hits = (best == labels).to(widest(best.device))  # (N, the largest k), one at most in a row
        losses = {f'top{k}_acc': hits[:, :k].sum(1).mean() for k in self.topk}
        loss = self.loss_cls(cls_scores, labels.squeeze(1))
        return losses | (loss if isinstance(loss, dict) else {'loss_cls': loss})

    BaseHead.loss_by_feat = wrapper


def log_scalars_at_once() -> None:
    """Let the scalars of an iteration reach the log by one transfer.

    mmengine's ``MessageHub.update_scalar`` calls ``.item()``, which waits for a GPU, for each.
    """
    from mmengine.hooks import RuntimeInfoHook

    after_train_iter = RuntimeInfoHook.after_train_iter

    @functools.wraps(after_train_iter)
    def wrapper(
        self: object, runner: object, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        scalars = {
            key: value.detach()
            for key, value in (outputs or {}).items()
            if isinstance(value, torch.Tensor) and value.numel() == 1 and not on_cpu(value)
        }
        if scalars:
            values = torch.stack([value.reshape(()) for value in scalars.values()]).tolist()
            outputs = {**outputs, **dict(zip(scalars, values, strict=True))}
        after_train_iter(self, runner, batch_idx, data_batch, outputs)

    RuntimeInfoHook.after_train_iter = wrapper


def refuse_ignored_neck() -> None:
    """Refuse ``CSRENeck`` in mmaction2's ``RecognizerGCN``, which builds a neck and never calls it.

    Such a model would train without CSRE in silence.
    """
    from mmaction.models import RecognizerGCN

    build = RecognizerGCN.__init__

    @functools.wraps(build)
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        neck = kwargs.get('neck') or {}
        ignored = type(self).extract_feat is RecognizerGCN.extract_feat
        if ignored and is_csre_neck(neck):
            raise InputError(
                f"{type(self).__name__} never calls its neck: set model.type='RecognizerCSRE' to "
                'train with CSRE'
            )
        build(self, *args, **kwargs)

    RecognizerGCN.__init__ = init


def check_graphs() -> None:
    """Let mmaction2's ``Graph`` take every layout of csre_mm, and refuse what is no tree.

    mmaction2's takes edges in any direction, circles, joints counted from one, and any centre.
    """
    from mmaction.models.utils import Graph

    from csre_mm.datasets.layouts import get_layout

    build = Graph.__init__

    @functools.wraps(build)
    def init(self: Any, layout: Any = 'coco', *args: Any, **kwargs: Any) -> None:
        if layout not in ('coco', 'openpose', 'nturgb+d'):  # its own
            layout = get_layout(layout).as_graph_layout()
        build(self, layout, *args, **kwargs)

    Graph.__init__ = init
