"""Random numbers that a run can repeat, and that leave the global generator alone."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


def mix_seeds(*seeds: int) -> int:
    """One seed of 32 bits from several numbers that are not negative.

    32 bits, because torch's CPU generator and NumPy's legacy one take no more.
    """
    return int(np.random.SeedSequence(seeds).generate_state(1)[0])


def seed_everything(seed: int) -> None:
    """Seed Python's, NumPy's and torch's global generators."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


@contextmanager
def seeded_aside(seed: int) -> Iterator[None]:
    """Seed torch's CPU generator for the block and put it back to where it was afterwards.

    A model with CSRE draws the weights of its neck in such a block, so that its classifier gets the
    very weights that the baseline's gets from the same seed.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield
