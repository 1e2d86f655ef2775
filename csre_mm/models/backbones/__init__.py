"""Skeleton encoders that mmaction2 does not have."""
