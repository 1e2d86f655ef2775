"""Runners of the commands."""

from mmaction.registry import RUNNERS
from mmengine.config import Config
from mmengine.runner import Runner

from csre_mm.compat import no_accelerator
from csre_mm.utils.errors import InputError
from csre_mm.utils.machine import keep_freed_memory


def build_runner(cfg: Config) -> Runner:
    """Build the runner of a config.

    On a CPU the process keeps the memory that it frees from here on (:func:`keep_freed_memory`).

    Raises:
        InputError: If an object of the config is unknown or does not take one of its arguments.
    """
    if no_accelerator():
        keep_freed_memory()
    try:
        return RUNNERS.build(cfg) if 'runner_type' in cfg else Runner.from_cfg(cfg)
    except (KeyError, TypeError) as error:
        message = error.args[0] if error.args else ''
        raise InputError(
            f'the config cannot be built: {type(error).__name__}: {message}'
        ) from error
