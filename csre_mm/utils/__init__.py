"""Errors, the frame of the commands, and file handling."""
