"""As many threads as there are free cores."""

import time
from typing import Any

import torch
from mmaction.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.runner import Runner

from csre_mm.utils.machine import OtherLoad, num_cores


@HOOKS.register_module()
class ThreadHook(Hook):
    """Train on a CPU with as many threads as other processes leave cores free.

    Threads of one operation wait for each other. With a thread more than there are free cores one
    of them is always late, and a step takes two to three times as long as with a thread less.

    The number of threads changes the order of sums, so that two runs with one seed differ in the
    last digits. It stays as it is with ``OMP_NUM_THREADS`` or ``--deterministic``
    (:func:`csre_mm.apis.runner.build_runner` then leaves this hook out).

    Args:
        interval: Seconds between two measurements.

    Example:
        >>> custom_hooks = [dict(type='ThreadHook')]  # in a config
    """

    def __init__(self, interval: float = 5.0) -> None:
        self.interval = interval
        self.other_load = OtherLoad()  # the time of starting up is the first measurement
        self._next = 0.0

    def after_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        """Measure now and then."""
        if time.monotonic() >= self._next:
            self._set_threads(runner)

    def _set_threads(self, runner: Runner) -> None:
        self._next = time.monotonic() + self.interval
        load = self.other_load()
        threads = free_threads(num_cores(), load)
        if threads != torch.get_num_threads():
            runner.logger.info(f'Threads: {threads}, other processes keep {load:.1f} cores busy.')
            torch.set_num_threads(threads)

    before_train = _set_threads  # by the time of starting up


def free_threads(cores: int, load: float) -> int:
    """Threads next to a load, at least one; a small fraction of a core, as of a worker, is none.

    Example:
        >>> free_threads(2, 0.1), free_threads(2, 0.7), free_threads(16, 3.2)
        (2, 1, 13)
    """
    return max(1, int(cores - load + 0.45))
