import pytest

from csre_mm.datasets.class_names import NW_UCLA
from csre_mm.evaluation.class_names import class_names
from csre_mm.utils.errors import InputError


def test_names_of_a_data_set_by_its_key():
    assert class_names('nwucla', 10) == list(NW_UCLA)
    assert class_names(None, 2) == ['0', '1']


def test_too_few_names_are_one_line():
    with pytest.raises(InputError, match='--classes nwucla has 10 names, the scores have 11'):
        class_names('nwucla', 11)
