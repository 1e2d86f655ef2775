"""Paired training runs over seeds, streams, folds and variants, and what they measured."""

from csre_mm.experiments.execute import Executor
from csre_mm.experiments.plan import plan_runs
from csre_mm.experiments.results import load_results, save_results
from csre_mm.experiments.summary import summarise

__all__ = ['Executor', 'load_results', 'plan_runs', 'save_results', 'summarise']
