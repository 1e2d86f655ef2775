"""Randomness that depends on the seed and the epoch alone."""

import torch
from mmaction.registry import HOOKS
from mmengine.dataset import Compose
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch.utils.data import get_worker_info

from csre_mm.datasets.labels import innermost
from csre_mm.utils.random import mix_seeds, seed_everything


class _WorkerSeed:
    """First step of a pipeline: seeds a worker process at the start of an epoch.

    The seed lies in shared memory: workers that live through all epochs hold a copy of the set.
    """

    def __init__(self) -> None:
        self.seed = torch.zeros(1, dtype=torch.long).share_memory_()
        self._seen = 0

    def __call__(self, results: dict) -> dict:
        worker = get_worker_info()
        seed = int(self.seed)
        if worker is not None and seed != self._seen:
            self._seen = seed
            seed_everything(mix_seeds(seed, worker.id))
        return results


@HOOKS.register_module()
class EpochSeedHook(Hook):
    """Seed every process anew at the start of each epoch.

    A run that is interrupted and resumed from its last checkpoint then sees the augmentations that
    the uninterrupted run saw: with mmengine alone they depend on how long the processes have been
    alive. The workers of mmengine's ``IterBasedTrainLoop`` start before any hook and are not seeded
    in their first pass.

    Example:
        >>> custom_hooks = [dict(type='EpochSeedHook')]  # in a config
    """

    priority = 'VERY_HIGH'

    def __init__(self) -> None:
        self._worker_seed = _WorkerSeed()

    def before_train(self, runner: Runner) -> None:
        """Put the seeding of the workers in front of the pipelines."""
        for dataset in innermost(runner.train_dataloader.dataset):
            if isinstance(getattr(dataset, 'pipeline', None), Compose):
                dataset.pipeline.transforms.insert(0, self._worker_seed)
        # Starting workers draws a number, which a run does once and a resumed run once more.
        runner.train_dataloader.generator = torch.Generator()

    def before_train_epoch(self, runner: Runner) -> None:
        """Seed the main process, and the workers at their next sample."""
        seed = mix_seeds(runner.seed, runner.epoch, get_rank())
        seed_everything(seed)
        self._worker_seed.seed.fill_(seed or 1)
