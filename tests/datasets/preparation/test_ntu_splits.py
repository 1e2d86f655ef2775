import pytest

from csre_mm.datasets.preparation.ntu.splits import (
    BENCHMARKS,
    TWO_PERSON_ACTIONS,
    XSUB60_TRAIN_SUBJECTS,
    XSUB120_TRAIN_SUBJECTS,
    SampleName,
    files_of_class,
    parse_name,
)
from csre_mm.utils.errors import InputError
from tests.ntu_files import NAME


def test_parse_name():
    assert parse_name(NAME) == SampleName(1, 2, 3, 2, 13)


@pytest.mark.parametrize(
    ('name', 'part'),
    [
        ('S001C002P003R002A13', 'SsssCcccPpppRrrrAaaa'),
        (f'{NAME}x', 'SsssCcccPpppRrrrAaaa'),
        (f'{NAME}\n', 'SsssCcccPpppRrrrAaaa'),
        ('S001C002P003R002A121', 'action is 121'),
        ('S000C002P003R002A001', 'setup is 0'),
        ('S001C004P003R002A001', 'camera is 4'),
        ('S001C001P107R002A001', 'performer is 107'),
    ],
)
def test_bad_names(name, part):
    with pytest.raises(InputError, match=part):
        parse_name(name)


@pytest.mark.parametrize(
    ('dataset', 'name', 'splits'),
    [
        ('ntu60', 'S001C001P001R001A001', ('xsub_train', 'xview_val')),
        ('ntu60', 'S017C002P003R002A060', ('xsub_val', 'xview_train')),
        ('ntu60', 'S005C003P038R002A050', ('xsub_train', 'xview_train')),
        ('ntu60', 'S005C001P040R002A050', ('xsub_val', 'xview_val')),
        ('ntu120', 'S001C002P001R001A001', ('xsub_train', 'xset_val')),
        ('ntu120', 'S018C001P045R001A061', ('xsub_train', 'xset_train')),
        ('ntu120', 'S032C003P106R002A120', ('xsub_val', 'xset_train')),
        ('ntu120', 'S031C003P103R002A120', ('xsub_train', 'xset_val')),
    ],
)
def test_splits_of_known_names(dataset, name, splits):
    benchmark = BENCHMARKS[dataset]
    assert benchmark.contains(parse_name(name))
    found = benchmark.make_splits([name])
    assert tuple(split for split, names in found.items() if names == [name]) == splits
    assert sum(map(len, found.values())) == len(splits)


def test_official_lists():
    assert len(XSUB60_TRAIN_SUBJECTS) == 20
    assert len(XSUB120_TRAIN_SUBJECTS) == 53
    assert len(TWO_PERSON_ACTIONS) == 26
    assert not BENCHMARKS['ntu60'].contains(parse_name('S018C001P001R001A001'))
    assert not BENCHMARKS['ntu60'].contains(parse_name('S017C001P001R001A061'))


@pytest.mark.parametrize(('dataset', 'samples'), [('ntu60', 56578), ('ntu120', 113945)])
def test_known_counts_agree(dataset, samples):
    benchmark = BENCHMARKS[dataset]
    sizes = list(benchmark.sizes.values())
    assert sizes[0] + sizes[1] == sizes[2] + sizes[3] == samples
    assert benchmark.num_files - benchmark.num_missing == samples
    assert sum(map(files_of_class, range(1, benchmark.num_classes + 1))) == benchmark.num_files
