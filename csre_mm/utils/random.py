"""Random numbers that leave the global generator alone."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def seeded_aside(seed: int) -> Iterator[None]:
    """Seed torch's CPU generator for the block and put it back to where it was afterwards.

    A model with CSRE draws the weights of its neck in such a block, so that its classifier gets the
    very weights that the baseline's gets from the same seed.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield
