import pickle

import pytest

from csre_mm.datasets import SkeletonDataset
from csre_mm.utils.errors import InputError
from tests.conftest import make_annotations


@pytest.mark.parametrize(
    'field, value', [('label', 'x'), ('label', 2**70), ('frame_dir', ((((),),),)), ('keypoint', 3)]
)
def test_a_bad_field_is_one_line_that_names_it(tmp_path, field, value):
    path = make_annotations(tmp_path / 'bad.pkl')
    data = pickle.loads(path.read_bytes())
    data['annotations'][3][field] = value
    path.write_bytes(pickle.dumps(data))
    with pytest.raises(InputError, match=field) as error:
        SkeletonDataset(str(path), pipeline=[], split='xsub_train')
    assert '\n' not in str(error.value) and 'bad.pkl' in str(error.value)


def test_a_member_of_a_split_that_is_no_name_is_passed_over(tmp_path):
    path = make_annotations(tmp_path / 'odd.pkl')
    data = pickle.loads(path.read_bytes())
    data['split']['xsub_train'].append(((((),),),))
    path.write_bytes(pickle.dumps(data))
    assert len(SkeletonDataset(str(path), pipeline=[], split='xsub_train')) == 24
