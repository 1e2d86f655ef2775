import pytest

from csre_mm.datasets.skeleton_dataset import SkeletonDataset
from csre_mm.datasets.subjects import keep_subjects, make_folds, parse_subject
from csre_mm.utils.errors import InputError


@pytest.mark.parametrize(
    'name, subject',
    [
        ('S001C002P013R002A060', 13),
        ('a01_s10_e00_v03', 10),
        ('a12_s01_e05_v01', 1),
        ('a7_s8_t4', 8),
    ],
)
def test_the_subject_is_in_the_name(name, subject):
    assert parse_subject(name) == subject


@pytest.mark.parametrize(
    'name', ['', 'jump_03', 'S001C002P013R002A060.skeleton', 'a01_s1_e00_v03', 'a1_s1_t1_skeleton']
)
def test_a_name_without_a_subject(name):
    with pytest.raises(InputError, match='is unknown: expected a name SsssCcccPppp'):
        parse_subject(name)


def test_folds_have_every_subject_once():
    names = [f'a01_s{subject:02d}_e0{again}_v01' for subject in range(1, 11) for again in (0, 1)]
    assert make_folds(names, 3) == [[1, 2, 3], [4, 5, 6], [7, 8, 9, 10]]
    assert make_folds(names, 10) == [[subject] for subject in range(1, 11)]


@pytest.mark.parametrize('num_folds', [1, 3])
def test_folds_that_cannot_be(num_folds):
    names = ['a01_s01_e00_v01', 'a01_s02_e00_v01']
    with pytest.raises(InputError, match=f'{num_folds} folds of 2 subjects: expected 2 to'):
        make_folds(names, num_folds)


def test_a_subject_without_samples():
    with pytest.raises(InputError, match=r'no sample of the subjects \[7\]; there are \[1\]'):
        keep_subjects([{'frame_dir': 'a01_s01_e00_v01'}], [1, 7])
    with pytest.raises(InputError, match='the list of subjects is empty'):
        keep_subjects([{'frame_dir': 'a01_s01_e00_v01'}], [])


def test_a_data_set_of_some_subjects(named_file):
    whole = SkeletonDataset(str(named_file), pipeline=[], split='train')
    parts = [
        SkeletonDataset(str(named_file), pipeline=[], split='train', subjects=subjects)
        for subjects in ([1, 3], [2, 4])
    ]
    found = [[part.get_data_info(i)['frame_dir'] for i in range(len(part))] for part in parts]
    assert {parse_subject(name) for name in found[0]} == {1, 3}
    assert sorted(found[0] + found[1]) == sorted(
        whole.get_data_info(i)['frame_dir'] for i in range(len(whole))
    )
    assert len(parts[0].labels) == len(parts[0]) > 0


def test_messages_name_the_file(named_file, ucla_file):
    with pytest.raises(InputError, match=r"named\.pkl, split 'train': no sample of the subj"):
        SkeletonDataset(str(named_file), pipeline=[], split='train', subjects=[9])
    with pytest.raises(
        InputError, match=r"ucla\.pkl, split 'train': the subject of 'train_000' is"
    ):
        SkeletonDataset(str(ucla_file), pipeline=[], split='train', subjects=[1])
