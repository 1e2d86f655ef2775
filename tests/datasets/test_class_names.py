import pytest
from mmengine.config import Config

from csre_mm.datasets.class_names import CLASS_NAMES, find_class_names
from csre_mm.datasets.preparation.ntu.splits import TWO_PERSON_ACTIONS
from csre_mm.utils.errors import InputError
from tests.conftest import config

SIZES = {'ntu60': 60, 'ntu120': 120, 'nwucla': 10, 'utd_mhad': 27, 'synthetic': 12}


@pytest.mark.parametrize('name', SIZES)
def test_the_lists_are_whole(name):
    names = CLASS_NAMES[name]
    assert len(names) == len(set(names)) == SIZES[name]
    assert all(n == n.strip() and n for n in names)


def test_some_places_of_the_published_lists():
    ntu = CLASS_NAMES['ntu120']
    published = {1: 'drink water', 10: 'clapping', 43: 'falling', 58: 'handshaking'}
    published |= {60: 'walking apart from each other', 61: 'put on headphone', 80: 'squat down'}
    published |= {
        95: 'hands up (both hands)',
        103: 'yawn',
        112: 'high-five',
        116: 'follow other person',
    }
    assert {action: ntu[action - 1] for action in published} == published
    assert CLASS_NAMES['ntu60'] == ntu[:60]
    others = [a for a in range(1, 121) if 'other' in ntu[a - 1].split() or "other's" in ntu[a - 1]]
    assert set(others) <= TWO_PERSON_ACTIONS
    assert CLASS_NAMES['nwucla'][3] == 'walk around'


@pytest.mark.parametrize(
    'name, expected',
    [
        ('ctrgcn_ntu60', 'drink water'),
        ('hcn_ntu120_xset', 'drink water'),
        ('ctrgcn_nwucla', 'pick up with one hand'),
        ('ctrgcn_demo', 'wave with the right hand'),
    ],
)
def test_the_shipped_configs_know_their_names(name, expected):
    cfg = Config.fromfile(config(name))
    num_classes = cfg.model.cls_head.num_classes
    names = find_class_names(None, num_classes, cfg.test_dataloader.dataset.ann_file)
    assert (names[0], len(names)) == (expected, num_classes)
    if name == 'ctrgcn_demo':
        assert names[12] == 'class 12'


def test_user_defined_names(tmp_path):
    path = tmp_path / 'names.txt'
    path.write_text('a\nb\n\n')
    assert find_class_names(path, 2) == find_class_names(['a', 'b'], 2) == ['a', 'b']
    assert find_class_names(None, 3, 'mine.pkl') == ['0', '1', '2']
    assert find_class_names(None, 61, 'ntu60_3d.pkl')[60] == '60'
    assert find_class_names('synthetic', 60)[11:13] == ['push', 'class 12']
    with pytest.raises(InputError, match='2 names, expected one for each of 3 classes'):
        find_class_names(path, 3)
    with pytest.raises(InputError, match='ntu60 has 60 names, expected one for each of 10 classes'):
        find_class_names('ntu60', 10)  # the scores are of another data set
    with pytest.raises(InputError, match='synthetic has 12 names, expected one for each of 10'):
        find_class_names('synthetic', 10)
    assert find_class_names(None, 2, 'demo.pkl') == ['0', '1']
    with pytest.raises(InputError, match="several classes have the name 'b'"):
        find_class_names(['a', 'b', 'b'], 3)
    with pytest.raises(InputError, match='no such file, and none of ntu120'):
        find_class_names('ntu61', 3)
    (tmp_path / 'names.txt').write_text('a\nred \x1b[31m\n')
    with pytest.raises(InputError, match=r"the name 'red \\x1b\[31m' has a control character"):
        find_class_names(path, 2)


def test_names_of_a_config(tmp_path):
    own = tmp_path / 'own.py'
    own.write_text(f"_base_ = '{config('ctrgcn_nwucla')}'\n")
    assert find_class_names(own, 10)[3] == 'walk around'
    own.write_text(own.read_text() + "data = dict(class_names=['a', 'b'])\n")
    assert find_class_names(str(own), 2) == ['a', 'b']
    with pytest.raises(InputError, match='class names 3: expected a list'):
        find_class_names(3, 2)
