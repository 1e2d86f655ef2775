"""Seeds of random generators."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


def mix_seeds(*seeds: int) -> int:
    """One seed from several non-negative numbers, of 32 bits for NumPy's legacy generator."""
    return int(np.random.SeedSequence(seeds).generate_state(1)[0])


def seed_everything(seed: int) -> None:
    """Seed Python's, NumPy's and torch's global generators."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


@contextmanager
def seeded_aside(seed: int) -> Iterator[None]:
    """Seed torch's CPU generator for the block and restore its state afterwards.

    So the neck of CSRE leaves the classifier the weights that the baseline gets from the seed.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield
