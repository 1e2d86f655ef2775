import os

import numpy as np
import pytest

from csre_mm.datasets.preparation.ntu import convert
from csre_mm.datasets.preparation.ntu.convert import convert_files
from csre_mm.datasets.preparation.raw_files import find_raw_files
from csre_mm.utils.errors import InputError
from tests.ntu_files import write_raw

NAMES = [f'S001C001P001R001A{action:03}' for action in range(1, 6)]


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Five files, one of them empty, that workers are given two at a time."""
    monkeypatch.setattr(convert, 'FILES_PER_CALL', 2)
    write_raw(tmp_path / 'raw', NAMES)
    (tmp_path / 'raw' / f'{NAMES[1]}.skeleton').write_bytes(b'')
    return find_raw_files([tmp_path / 'raw'], '.skeleton')


@pytest.mark.parametrize('workers', [1, 2])
def test_outcomes_are_in_the_order_of_the_files(files, workers):
    outcomes = list(convert_files(files, 'none', workers))
    assert [outcome.name for outcome in outcomes] == NAMES
    assert [outcome.reason for outcome in outcomes] == [None, 'empty file', None, None, None]
    assert outcomes[1].annotation is None and 'the file is empty' in outcomes[1].message
    assert [outcomes[i].annotation['label'] for i in (0, 2, 3, 4)] == [0, 2, 3, 4]
    keypoints = [outcomes[i].annotation['keypoint'] for i in (0, 2, 3, 4)]
    np.testing.assert_array_equal(keypoints[1:], [keypoints[0]] * 3)


def test_a_file_that_cannot_be_read_is_an_outcome(files):
    files[0].source.unlink()
    assert next(convert_files(files, 'none', 1)).reason == 'unreadable'


def test_a_worker_that_is_killed_ends_the_run_with_one_line(files, monkeypatch):
    monkeypatch.setattr(convert, 'make_sample', lambda *args: os._exit(9))
    with pytest.raises(InputError, match='a worker process was ended from outside'):
        list(convert_files(files, 'none', 2))
