"""Repairs of importing mmaction2 1.2.0 (:mod:`csre_mm.compat` applies them)."""

import importlib
import sys
import types
import warnings
from typing import Any

import numpy as np

from csre_mm.utils.mmengine_files import source_folder


def silence_missing_ops() -> None:
    """Drop mmcv-lite's warning about an operator that no skeleton model uses."""
    warnings.filterwarnings('ignore', message='Fail to import ``MultiScaleDeformableAttention``')


def supply_missing_drn() -> None:
    """Stand in for the localizer DRN, without which ``import mmaction.models`` fails.

    ``mmaction.models.localizers`` imports it, and the wheel of mmaction2 1.2.0 lacks its folder.
    """
    folder = source_folder('mmaction')
    if folder is None or (folder / 'models/localizers/drn').exists():
        return

    class DRN:
        """The missing localizer."""

        def __init__(self, *args: object, **kwargs: object) -> None:
            raise ImportError('the wheel of mmaction2 1.2.0 does not contain DRN')

    package = types.ModuleType('mmaction.models.localizers.drn')
    package.__path__ = []
    module = types.ModuleType('mmaction.models.localizers.drn.drn')
    module.DRN = DRN  # type: ignore[attr-defined]
    sys.modules.setdefault(package.__name__, package)
    sys.modules.setdefault(module.__name__, module)


def leave_out_multimodal() -> None:
    """Leave out mmaction2's video-and-text models, which no skeleton model uses.

    With ``transformers`` from 4.28 on installed ``import mmaction.models`` imports VindLU, which
    takes seconds and needs names that current releases lack.
    """
    from mmaction.utils import dependency

    dependency.WITH_MULTIMODAL = False


def supply_numpy_inf() -> None:
    """Restore ``np.Inf``, which NumPy 2 removed, for mmaction2's ``PoseCompact`` (PoseC3D)."""
    if not hasattr(np, 'Inf'):
        np.Inf = np.inf  # type: ignore[attr-defined]  # noqa: NPY201


def defer_scipy_stats() -> None:
    """Import ``scipy.stats``, which takes half a second, when it is called.

    ``mmaction.datasets`` imports it for ``mode`` alone, which only ``MMCompact`` calls.
    """
    if 'scipy.stats' in sys.modules or 'mmaction.datasets' in sys.modules:
        return

    def mode(*args: Any, **kwargs: Any) -> Any:
        return importlib.import_module('scipy.stats').mode(*args, **kwargs)

    deferred = types.ModuleType('scipy.stats')
    deferred.mode = mode  # type: ignore[attr-defined]
    sys.modules[deferred.__name__] = deferred
    try:
        importlib.import_module('mmaction.datasets')
    finally:
        del sys.modules[deferred.__name__]
