"""Checks of annotation files, before they cost a training run."""

from csre_mm.datasets.checks.plan import TrainingPlan, read_plan
from csre_mm.datasets.checks.report import CheckReport, check_dataset
from csre_mm.datasets.checks.samples import Finding

__all__ = ['CheckReport', 'Finding', 'TrainingPlan', 'check_dataset', 'read_plan']
