"""Checkpoints of runs that are killed, copied, or resumed in another folder."""

from pathlib import Path
from typing import Any

from mmaction.registry import HOOKS
from mmengine.hooks import CheckpointHook
from mmengine.runner import EpochBasedTrainLoop, Runner

from csre_mm.engine.hooks.inference_checkpoint_hook import trains


@HOOKS.register_module()
class ResumableCheckpointHook(CheckpointHook):
    """mmengine's hook, for runs that are killed, copied, or resumed in another folder.

    mmengine keeps the path of the best checkpoint in every checkpoint, and deletes what is there
    when a better one comes: of a run that is resumed elsewhere, the checkpoint of the other folder.
    And it saves an epoch before its validation: a run that is killed in between goes on with the
    next epoch. Here a best checkpoint that is not in the folder of the run is forgotten, and a
    resumed run first validates the epoch of its checkpoint unless that was saved after it: mmengine
    saves again where the epoch is the best so far.

    Example:
        >>> hook = ResumableCheckpointHook(interval=1, save_best='auto')  # as CheckpointHook
        >>> hook.by_epoch
        True
    """

    def before_train(self, runner: Runner) -> None:
        """Find what a resumed run has in its folder, and validate where it was killed."""
        if runner._resume and runner._has_loaded:
            self._adopt(runner)
        super().before_train(runner)
        if runner._resume and self._lacks_validation(runner):
            runner.logger.info('The checkpoint does not hold its validation: validating now.')
            self.last_ckpt = runner._load_from  # which is written again if it is the best
            runner.val_loop.run()

    def after_val_epoch(self, runner: Runner, metrics: Any) -> None:
        """Note in the next checkpoint that the place was validated."""
        if trains(runner):
            # A name with "val" in front would be logged as a metric.
            runner.message_hub.update_info('last_validation', self._place(runner)[0])
        super().after_val_epoch(runner, metrics)

    def _adopt(self, runner: Runner) -> None:
        hub, folder = runner.message_hub, Path(runner.work_dir)
        if self.out_dir is not None:
            folder = Path(self.out_dir, folder.name)
        moved = Path(runner._load_from).resolve().parent != folder.resolve()
        for key in [key for key in hub.runtime_info if key.startswith('best_ckpt')]:
            best = folder / Path(hub.get_info(key)).name
            hub.update_info(key, str(best))
            if moved or not best.is_file():
                score = key.replace('best_ckpt', 'best_score')
                runner.logger.info(
                    f'The best checkpoint so far, {best.name} with {hub.get_info(score):.4f}, is '
                    'not in this folder: the best is found anew.'
                )
                hub.pop_info(key)
                hub.pop_info(score)
        if moved:
            hub.pop_info('keep_ckpt_ids')

    @staticmethod
    def _place(runner: Runner) -> tuple[int, int]:
        """Epochs, or iterations, that were trained, and the last one."""
        loop = runner.train_loop
        if isinstance(loop, EpochBasedTrainLoop):
            return loop.epoch, loop.max_epochs
        return loop.iter, loop.max_iters

    def _lacks_validation(self, runner: Runner) -> bool:
        loop, (place, end) = runner.train_loop, self._place(runner)
        done = runner.message_hub.runtime_info.get('last_validation') == place
        if runner.val_loop is None or done or place < max(loop.val_begin, 1):
            return False
        loop._decide_current_val_interval()
        return place % loop.val_interval == 0 or place >= end
