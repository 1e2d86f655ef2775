"""Transforms of one skeleton sequence, registered with those of mmaction2."""
