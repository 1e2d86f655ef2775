"""Synthetic recordings in the raw format of NTU RGB+D, for the demo and for tests."""
