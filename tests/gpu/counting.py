"""Counts of what a GPU would have to do for a piece of code, on a machine without one."""

from collections import Counter

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

READS = ('_local_scalar_dense', 'nonzero', 'masked_select', 'equal', '_unique2', 'is_nonzero')
NO_KERNEL = (
    'empty',
    'new_empty',
    'empty_like',
    'empty_strided',
    'lift_fresh',
    '_unsafe_view',
    'scalar_tensor',
)


class Counts(TorchDispatchMode):
    """Counts operations by what they cost on a GPU.

    Args:
        device: The device that stands for the GPU; reading a value of another one is free.

    Attributes:
        reads: Synchronisations: values that the host reads.
        copies: Copies from one device to another.
        launches: All others that compute something, forward and backward, by name.
    """

    def __init__(self, device='cpu'):
        super().__init__()
        self.device = device
        self.reads, self.copies, self.launches = Counter(), Counter(), Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        name = func.overloadpacket.__name__
        masks = [
            x for x in tree_leaves(args[1:2]) if isinstance(x, Tensor) and not x.dtype.is_signed
        ]
        reads = name in READS or (name in ('index', 'index_put_', 'index_put') and masks)
        if reads and args[0].device.type == self.device:
            self.reads[name] += 1
        devices = {x.device for x in tree_leaves((args, result)) if isinstance(x, Tensor)}
        if name in ('_to_copy', 'copy_') and len(devices) > 1:
            self.copies[name] += 1
        elif not _is_view(func) and name not in NO_KERNEL:
            self.launches[name] += 1
        return result


def _is_view(func) -> bool:
    aliases = [output.alias_info for output in func._schema.returns]
    return bool(aliases) and all(alias is not None and not alias.is_write for alias in aliases)
