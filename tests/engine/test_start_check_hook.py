import logging
from types import SimpleNamespace

import pytest
from mmengine.dataset import ConcatDataset

from csre_mm.datasets import SkeletonDataset
from csre_mm.engine.hooks.start_check_hook import warn_of_overlap


@pytest.mark.parametrize(
    ('training', 'message'),
    [
        ([('ntu', 'xsub_train')], None),
        ([('ntu', 'xsub_train'), ('ntu', 'xsub_val')], '24 of the 24'),
        ([('ntu', None)], '24 of the 24'),
        ([('copy', 'xsub_val')], None),  # another file may have the same names for other samples
    ],
)
def test_validation_samples_that_train_are_counted(ntu_file, tmp_path, caplog, training, message):
    copy = tmp_path / 'copy.pkl'
    copy.write_bytes(ntu_file.read_bytes())
    files = {'ntu': str(ntu_file), 'copy': str(copy)}
    parts = [SkeletonDataset(files[file], pipeline=[], split=split) for file, split in training]
    train = ConcatDataset(parts)
    val = SkeletonDataset(str(ntu_file), pipeline=[], split='xsub_val')
    runner = SimpleNamespace(
        train_dataloader=SimpleNamespace(dataset=train),
        val_dataloader=SimpleNamespace(dataset=val),
        logger=logging.getLogger('overlap'),
    )
    warn_of_overlap(runner)
    assert [record.getMessage()[:12] for record in caplog.records] == [message] * bool(message)
    if message:
        assert caplog.text.count('such as xsub_val_000: the accuracy says nothing') == 1
