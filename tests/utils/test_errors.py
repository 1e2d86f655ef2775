"""What a message says of the error behind it."""

import re

import pytest
import torch
from torch.utils.data import DataLoader

from csre_mm.utils.errors import InputError, as_input_error, one_line


class Faulty(torch.utils.data.Dataset):
    def __init__(self, error):
        self.error = error

    def __len__(self):
        return 1

    def __getitem__(self, index):
        raise self.error


CASES = {
    'message': (ValueError('wrong\n  numbers'), 'ValueError: wrong numbers'),
    'key': (KeyError('nothing'), "KeyError: '?nothing'?"),
    'colon': (RuntimeError('size: 3'), 'RuntimeError: size: 3'),
    'nothing': (AssertionError(), 'AssertionError: raise self.error'),
}


@pytest.mark.parametrize('workers', [0, 1])
@pytest.mark.parametrize('case', CASES)
def test_a_reason_names_what_was_wrong(case, workers):
    error, message = CASES[case]
    with pytest.raises(InputError) as raised, as_input_error('it fails'):
        next(iter(DataLoader(Faulty(error), num_workers=workers)))
    where = '' if workers or error.args else r' \(test_errors.py\)'
    expected = rf'it fails: {message}{where} \(CSRE_MM_TRACEBACK=1 shows where\)'
    assert re.fullmatch(expected, str(raised.value))


def test_an_error_that_was_never_raised_has_no_line():
    assert one_line(AssertionError()) == ''
    assert one_line(ValueError('a' * 300), 10) == 'a' * 10
