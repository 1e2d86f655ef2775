"""The runner of csre_mm: mmengine's, where a checkpoint meets a config."""

import logging
import signal
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from mmaction.registry import RUNNERS
from mmengine.device import get_device
from mmengine.hooks import Hook, LoggerHook
from mmengine.logging import MMLogger
from mmengine.runner import Runner
from mmengine.runner.checkpoint import _load_checkpoint, load_state_dict
from torch import Tensor, nn
from torch.utils.data import DataLoader

from csre_mm.engine.hooks.inference_checkpoint_hook import (
    TRAIN_ONLY,
    bare_model,
    refuse_other_model,
    trains,
)
from csre_mm.engine.packed_batch import collate_packed
from csre_mm.engine.resume import go_on
from csre_mm.engine.trained_with import STREAM, check_trained_with
from csre_mm.utils.checkpoints import (
    check_fit,
    checkpoint_before,
    find_state_dict,
    newest_checkpoint,
)
from csre_mm.utils.errors import InputError
from csre_mm.utils.files import naming

_LONGEST = 10  # lines of a message in the terminal; longer ones are in the log file
_FEWEST = 4  # log lines in an epoch


@RUNNERS.register_module()
class SkeletonRunner(Runner):
    """mmengine's runner, which checks a checkpoint against the config that uses it.

    - A run that is resumed takes its schedules and the settings of its optimizer from the config
      (:func:`csre_mm.engine.resume.go_on`), and is refused if its model, stream, layout, window or
      classes are others. The config text in the checkpoint is not executed.
    - ``load_from`` is refused if less than half of the encoder fits, or for another stream.
    - A test leaves the config and everything else that a training has written.
    - The terminal gets no message longer than ten lines, and an epoch at least four log lines.

    Example:
        >>> from csre_mm.utils.config import read_config
        >>> runner = SkeletonRunner.from_cfg(read_config('config.py'))
        >>> runner.max_epochs
        2
    """

    _load_from: str | None

    def train(self) -> nn.Module:
        """Train; what the run is, is written to its folder now, and not when it is tested."""
        if self._train_loop is not None:
            _check_length(self._train_loop)
            most = max(1, len(self.train_dataloader) // _FEWEST)
            for hook in self.hooks:
                if isinstance(hook, LoggerHook):
                    hook.interval = min(hook.interval, most)
            self.dump_config()
            self.logger.info(f'Config and environment are in {self.logger.log_file}.')
        return super().train()

    def dump_config(self) -> None:
        """Write the config to the working folder, unless nothing is trained."""
        if trains(self):
            super().dump_config()

    def build_logger(self, *args: Any, **kwargs: Any) -> MMLogger:
        """Mmengine's logger; long messages go to the file alone, and a full disk has a name."""
        logger = super().build_logger(*args, **kwargs)
        for handler in logger.handlers:
            if type(handler) is logging.StreamHandler:
                handler.addFilter(_is_short)
            elif isinstance(handler, logging.FileHandler):
                handler.handleError = partial(_raise_with_name, handler)  # type: ignore[method-assign]
        return logger

    def register_hook(self, hook: Hook | dict, priority: Any = None) -> None:
        """Register a hook, :class:`ResumableCheckpointHook` in the place of mmengine's."""
        if isinstance(hook, dict) and hook.get('type') == 'CheckpointHook':
            hook = {**hook, 'type': 'ResumableCheckpointHook'}
        super().register_hook(hook, priority)

    @staticmethod
    def build_dataloader(*args: Any, **kwargs: Any) -> DataLoader:
        """Build a data loader whose workers leave Ctrl-C to the main process, which ends them.

        What they send is packed (:func:`collate_packed`).
        """
        loader = Runner.build_dataloader(*args, **kwargs)
        if loader.num_workers:
            loader.collate_fn = partial(collate_packed, loader.collate_fn)
            loader._get_iterator = partial(_without_interrupt, loader._get_iterator)
        return loader

    def load_or_resume(self) -> None:
        """Load or resume; of a folder that was copied, the checkpoint that is in it."""
        if self._resume and self._load_from is None:
            newest = newest_checkpoint(self.work_dir)
            if newest is None:
                self.logger.info('There is no checkpoint to resume: the training starts anew.')
                return
            self._load_from = str(newest)
        super().load_or_resume()

    def resume(
        self,
        filename: str,
        resume_optimizer: bool = True,
        resume_param_scheduler: bool = True,
        map_location: Any = 'default',
    ) -> None:
        """Resume a training; optimizer and schedules always are."""
        location = get_device() if map_location == 'default' else map_location
        self._load_from = filename
        go_on(self, self.load_checkpoint(filename, location), str(filename))

    def load_checkpoint(
        self,
        filename: str,
        map_location: Any = 'cpu',
        strict: bool = False,
        revise_keys: Any = (),
    ) -> dict[str, Any]:
        """Load weights: a checkpoint, a published one, or a bare state dict, which fits the config.

        ``strict`` demands that every tensor fits; ``revise_keys`` is not used.
        """
        try:
            content = _load_checkpoint(filename, map_location, self.logger)
        except InputError as error:
            before = checkpoint_before(filename) if self._resume else None
            raise InputError(f'{error}; before it is {before}') if before else error from error
        state = find_state_dict(content, filename)
        checkpoint = {**(content if 'state_dict' in content else {}), 'state_dict': state}
        starts = trains(self) and not self._resume
        check_trained_with(self.cfg, content, str(filename), keys=[STREAM] if starts else ())
        self.call_hook('after_load_checkpoint', checkpoint=checkpoint)
        state, expected = checkpoint['state_dict'], bare_model(self).state_dict()
        if starts:
            skipped = TRAIN_ONLY, 'cls_head.'
            encoder = {key: t for key, t in expected.items() if not key.startswith(skipped)}
            if remark := check_fit(state, encoder, str(filename), 'the encoder'):
                self.logger.warning(remark)
        elif trains(self):
            _check_resumed(state, expected, filename)
        load_state_dict(bare_model(self), state, strict, self.logger)
        self._has_loaded = True
        self.logger.info(f'Load checkpoint from {filename}')
        return checkpoint


def _check_length(train_cfg: Any) -> None:
    """Insist on a training of an epoch at least, and on a validation after a number of them."""
    for key in ('max_epochs', 'max_iters', 'val_interval'):
        value = train_cfg.get(key, 1) if isinstance(train_cfg, dict) else 1
        if not isinstance(value, int) or value < 1:
            advice = ', or leave out val_dataloader, val_evaluator and val_cfg'
            raise InputError(
                f'train_cfg.{key} is {value!r}, it must be an integer from 1'
                f'{advice if key == "val_interval" else ""}'
            )


def _without_interrupt(start_workers: Callable[[], Any]) -> Any:
    """Hold Ctrl-C back while processes are started; they keep it blocked."""
    blocks = getattr(signal, 'pthread_sigmask', None)  # Windows has none
    if blocks is None or threading.current_thread() is not threading.main_thread():
        return start_workers()
    held: list[int] = []
    handler = signal.signal(signal.SIGINT, lambda number, frame: held.append(number))
    before = blocks(signal.SIG_BLOCK, [signal.SIGINT])  # in other threads it is not
    try:
        return start_workers()
    finally:
        blocks(signal.SIG_SETMASK, before)
        signal.signal(signal.SIGINT, handler)
        if held:
            raise KeyboardInterrupt


def _check_resumed(state: dict[str, Tensor], expected: dict[str, Tensor], filename: str) -> None:
    """Insist on exactly the model of the checkpoint; the banks say themselves what differs."""
    if any(key.startswith(TRAIN_ONLY) for key in state.keys() - expected.keys()):
        raise InputError(
            f'{filename} was trained with CSRE, the config has none: resume with the config of '
            'CSRE, or start a new run from its weights with load_from'
        )
    shapes = {key: value for key, value in expected.items() if '.bank.' not in key}
    refuse_other_model({k: v for k, v in state.items() if '.bank.' not in k}, shapes, filename)


def _raise_with_name(handler: logging.FileHandler, record: logging.LogRecord) -> None:
    """Let an error of writing the log end the run; logging prints a traceback for each line."""
    if not isinstance(sys.exc_info()[1], OSError):
        return logging.FileHandler.handleError(handler, record)
    with naming(handler.baseFilename):
        raise


def _is_short(record: logging.LogRecord) -> bool:
    return record.levelno > logging.INFO or record.getMessage().count('\n') < _LONGEST
