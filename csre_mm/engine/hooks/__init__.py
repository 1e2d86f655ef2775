"""Hooks, which csre_mm.engine exports."""
