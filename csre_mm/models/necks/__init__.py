"""CSRE as a plain module and as a train-only neck, and the decomposition in it."""
