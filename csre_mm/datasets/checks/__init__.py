"""Checks of annotation files, before they cost a training run."""

from csre_mm.datasets.checks.finding import Finding
from csre_mm.datasets.checks.plan import TrainingPlan, read_plan
from csre_mm.datasets.checks.report import Report, check_dataset

__all__ = ['Finding', 'Report', 'TrainingPlan', 'check_dataset', 'read_plan']
