"""Independent random numbers for each purpose."""

import numpy as np

SUBJECT, PERFORMANCE, SENSOR = range(3)


def stream(seed: int, purpose: int, *key: int) -> np.random.Generator:
    """A generator that depends on the seed, the purpose and the key, and on nothing else.

    Args:
        seed: The data set's seed, at least 0.
        purpose: :data:`SUBJECT`, :data:`PERFORMANCE` or :data:`SENSOR`.
        key: Numbers that tell the one generator of this purpose from the others.
    """
    return np.random.default_rng([seed, purpose, *key])
