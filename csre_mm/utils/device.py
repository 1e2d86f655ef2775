"""What depends on the device of a tensor."""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor

CPU = 'cpu'
"""The device on which reading a value is free; tests set another one to take the other branches."""


def on_cpu(tensor: Tensor) -> bool:
    """Whether values may be read to save work, and kernels be chosen for a CPU.

    Elsewhere reading a value synchronises with the device, and in a compiled graph it ends it.
    """
    return tensor.device.type == CPU and not torch.compiler.is_compiling()


def full_precision(tensor: Tensor) -> AbstractContextManager:
    """Turn autocast off on the device of a tensor, which may have none."""
    kind = tensor.device.type
    return torch.autocast(kind, enabled=False) if _has_autocast(kind) else nullcontext()


@torch.compiler.assume_constant_result
def _has_autocast(kind: str) -> bool:
    """Whether a type of device has autocast; the compiler of torch 2.4 cannot ask."""
    return torch.amp.is_autocast_available(kind)


def fast_bfloat16() -> bool:
    """Whether this CPU multiplies in bfloat16; True where oneDNN, which knows, is missing."""
    return not torch.backends.mkldnn.is_available() or bool(
        torch.ops.mkldnn._is_mkldnn_bf16_supported()
    )


def widest(device: torch.device) -> torch.dtype:
    """The most precise floating-point type of a device: Apple's has no float64."""
    return torch.float32 if device.type == 'mps' else torch.float64


def move(tensor: Tensor, device: torch.device) -> Tensor:
    """Copy to a device, to a GPU through pinned memory and without waiting for it."""
    if device.type == 'cuda' and not tensor.is_cuda:
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)
