"""Metrics, and scores on disk."""

from csre_mm.evaluation.scores import DumpScores, Scores, load_scores

__all__ = ['DumpScores', 'Scores', 'load_scores']
