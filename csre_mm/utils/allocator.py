"""Memory of the process on a CPU."""

import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of mallopt(3)


def keep_freed_memory() -> bool:
    """Let the process keep memory that tensors have freed, for the tensors to come.

    glibc hands every large block back to the kernel and gets it anew, page by page and zeroed. In a
    training step on a CPU, which makes and frees the same large tensors again and again, that was
    measured to cost up to as much as the step itself. The peak of the memory stays what it is.

    Returns:
        Whether it took effect; without glibc it does not.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    return bool(mallopt(_MMAP_THRESHOLD, 1 << 30) and mallopt(_TRIM_THRESHOLD, (1 << 31) - 1))
