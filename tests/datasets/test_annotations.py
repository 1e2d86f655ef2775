import os
import pickle
from collections import OrderedDict, defaultdict
from pathlib import Path

import numpy as np
import pytest

from csre_mm.datasets.annotations import check_annotations, load_annotations, save_annotations
from csre_mm.utils.errors import InputError


def make_annotation(name='a', frames=3, **changes):
    keypoint = np.arange(2 * frames * 5 * 3, dtype=np.float32).reshape(2, frames, 5, 3)
    return dict(frame_dir=name, label=1, total_frames=frames, keypoint=keypoint) | changes


def laughs():
    """A tuple whose repr and hash would never end."""
    value = (1,)
    for _ in range(60):
        value = (value, value)
    return value


def make_data():
    scores = np.ones((2, 4, 5), np.float16)
    annotations = [
        make_annotation('a'),
        make_annotation('b', 4, keypoint_score=scores, img_shape=(1080, 1920), label=np.int64(2)),
    ]
    return dict(split=dict(train=['a'], val=['b']), annotations=annotations)


def assert_same(data, expected):
    assert data['split'] == expected['split']
    assert len(data['annotations']) == len(expected['annotations'])
    for found, wanted in zip(data['annotations'], expected['annotations'], strict=True):
        assert list(found) == list(wanted)
        for field, value in wanted.items():
            assert type(found[field]) is type(value)
            np.testing.assert_array_equal(found[field], value)
            assert getattr(found[field], 'dtype', None) == getattr(value, 'dtype', None)


def assert_refused(path, *parts):
    with pytest.raises(InputError) as caught:
        load_annotations(path)
    message = str(caught.value)
    assert message.startswith(f'{path}: ')
    assert len(message.splitlines()) == 1 and len(message) < len(str(path)) + 300
    for part in parts:
        assert part in message


def test_round_trip(tmp_path):
    path = tmp_path / 'new' / 'data.pkl'
    save_annotations(make_data(), path)
    data = load_annotations(path)
    assert_same(data, make_data())
    check_annotations(data, path)
    assert data['annotations'][0]['keypoint'].flags.writeable
    assert os.listdir(path.parent) == ['data.pkl']


@pytest.mark.parametrize('protocol', range(2, 6))
@pytest.mark.parametrize(
    'value',
    [
        np.zeros((2, 3, 4), np.float16),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(24).reshape(4, 6)[::2, ::3],
        np.array([], np.float64),
        np.array('text'),
        np.arange(24).reshape(2, 3, 4).transpose(1, 0, 2),
        np.arange(3, dtype='>i2'),
        np.arange(2000.0),
        np.zeros((0, 3)),
        np.array(['a', 'bcd']),
        np.str_('ab'),
        np.str_(),
        b'',
        np.float32(1.5),
        np.bool_(True),
        np.dtype('float32'),
        OrderedDict(x=1),
        {1, 2},
        frozenset('ab'),
        b'\x00\xff',
        bytearray(b'\x00\xff'),
        2**70,
        -1.5,
    ],
    ids=lambda value: type(value).__name__,
)
def test_plain_values_of_every_protocol_load(tmp_path, protocol, value):
    path = tmp_path / 'data.pkl'
    path.write_bytes(pickle.dumps([make_annotation(extra=value)], protocol))
    found = load_annotations(path)['annotations'][0]['extra']
    assert type(found) is type(value)
    np.testing.assert_array_equal(found, value)


@pytest.mark.parametrize('protocol', [2, 4])
def test_either_numpys_module_names_load(tmp_path, protocol):
    data = pickle.dumps([make_annotation()], protocol)
    ours, other = b'numpy._core.multiarray', b'numpy.core.multiarray'
    if ours not in data:
        ours, other = other, ours
    data = data.replace(ours, other)
    # protocol 4 writes the length of a short string in one byte before it, and frames the whole
    data = data.replace(bytes([len(ours)]) + other, bytes([len(other)]) + other)
    if protocol == 4:
        data = data[:2] + data[11:]
    path = tmp_path / 'data.pkl'
    path.write_bytes(data)
    loaded = load_annotations(path)
    assert_same(loaded, dict(split={}, annotations=[make_annotation()]))


def test_list_form(tmp_path):
    path = tmp_path / 'data.pkl'
    path.write_bytes(pickle.dumps([make_annotation()]))
    assert_same(load_annotations(path), dict(split={}, annotations=[make_annotation()]))


def test_the_list_and_dict_of_old_protocols(tmp_path):
    path = tmp_path / 'data.pkl'
    annotation = dict(extra=[1, 2, (3,), {'x': {4}}])
    for protocol in (0, 1):
        path.write_bytes(pickle.dumps([annotation], protocol))
        assert load_annotations(path)['annotations'] == [annotation]
    path.write_bytes(b'(lp0\n(dp1\nVx\nI1\nsa.')
    assert load_annotations(path)['annotations'] == [{'x': 1}]
    path.write_bytes(b'((Vx\nI1\ndl.')
    assert load_annotations(path)['annotations'] == [{'x': 1}]


def test_a_list_in_itself_and_a_shared_array(tmp_path):
    path = tmp_path / 'data.pkl'
    array, ring = np.arange(3), [(1, np.arange(3))]
    ring.append(ring)
    path.write_bytes(pickle.dumps([dict(ring=ring, x=array, y=array)]))
    found = load_annotations(path)['annotations'][0]
    assert found['ring'][1] is found['ring']
    np.testing.assert_array_equal(found['ring'][0][1], array)
    assert found['x'] is found['y']
    np.testing.assert_array_equal(found['x'], array)


def test_what_is_no_pickle_is_refused(tmp_path):
    path = tmp_path / 'data.pkl'
    path.write_text('{"split": {}}')
    assert_refused(path, 'not an annotation pickle')
    assert_refused(tmp_path / 'none.pkl', 'no such file')
    assert_refused(tmp_path, 'cannot be read')


@pytest.mark.parametrize(
    ('data', 'part'),
    [
        (3, 'holds a int'),
        (np.zeros(3), 'holds a ndarray'),
        ({}, "no 'split'"),
        (dict(split={}), "no 'annotations'"),
        (dict(split=[], annotations=[]), "'split' is a list"),
        (dict(split={}, annotations={}), "'annotations' is a dict"),
    ],
)
def test_wrong_outermost_shape(tmp_path, data, part):
    path = tmp_path / 'data.pkl'
    path.write_bytes(pickle.dumps(data))
    assert_refused(path, part)


@pytest.mark.parametrize(
    ('annotation', 'part'),
    [
        (None, 'sample 1: annotation is a NoneType, expected a dict'),
        (dict(frame_dir='b'), "sample 'b': label is missing"),
        (dict(label=1), 'sample 1: frame_dir is missing'),
        (make_annotation(3), 'sample 1: frame_dir is 3'),
        (make_annotation('a'), "sample 'a': frame_dir comes twice"),
        (make_annotation('b', label=-1), "sample 'b': label is -1, expected an integer from 0"),
        (make_annotation('b', label=1.0), "sample 'b': label is 1.0"),
        (make_annotation('b', label=True), "sample 'b': label is True"),
        (make_annotation('b', label=10**5000), "sample 'b': label is an integer of 16610 bits"),
        (make_annotation('b', label=laughs()), "sample 'b': label is (((...), (...)), "),
        (make_annotation('b', keypoint=[[0.0]]), 'keypoint is list'),
        (make_annotation('b', keypoint=np.zeros((3, 5, 3))), 'keypoint is float64 (3, 5, 3)'),
        (make_annotation('b', keypoint=np.full((1, 3, 5, 3), 'x')), 'keypoint is <U1'),
        (make_annotation('b', keypoint=np.zeros((0, 3, 5, 3))), 'the shape (0, 3, 5, 3), expected'),
        (make_annotation('b', 0), "sample 'b': keypoint has the shape (2, 0, 5, 3), expected"),
        (make_annotation('b', total_frames=4), "total_frames is 4, expected keypoint's 3 frames"),
        (make_annotation('b', total_frames=3.0), 'total_frames is 3.0, expected'),
        (make_annotation('b', img_shape=(0, 640)), 'img_shape is (0, 640), expected height and'),
        (make_annotation('b', img_shape=(480, 640, 3)), 'img_shape is (480, 640, 3), expected'),
        (make_annotation('b', img_shape='480x640'), "img_shape is '480x640', expected height and"),
        (make_annotation('b', keypoint_score=np.ones((2, 3, 4))), 'keypoint_score is float64 (2, '),
        (make_annotation('b', keypoint_score='1'), "keypoint_score is '1', expected an array"),
    ],
)
def test_check_names_sample_and_field(tmp_path, annotation, part):
    data = dict(split={}, annotations=[make_annotation('a'), annotation])
    with pytest.raises(InputError) as caught:
        check_annotations(data, 'data.pkl')
    assert part in str(caught.value)
    assert str(caught.value).startswith('data.pkl: ')
    path = tmp_path / 'data.pkl'
    with pytest.raises(InputError):
        save_annotations(data, path)
    assert not path.exists()


@pytest.mark.parametrize('members', ['a', ['a', 'c'], [['a']], None])
def test_check_split(members):
    data = make_data()
    data['split']['test'] = members
    with pytest.raises(InputError, match=r"^data\.pkl: split 'test' "):
        check_annotations(data, 'data.pkl')


def test_only_pkl_is_written(tmp_path):
    with pytest.raises(InputError, match=r'must be named \.pkl'):
        save_annotations(make_data(), tmp_path / 'data.npy')
    (tmp_path / 'folder.pkl').mkdir()
    with pytest.raises(InputError, match='is a folder'):
        save_annotations(make_data(), tmp_path / 'folder.pkl')


def test_an_array_that_is_a_map_of_a_file_is_written_as_an_array(tmp_path):
    np.save(tmp_path / 'k.npy', make_annotation()['keypoint'])
    mapped = np.load(tmp_path / 'k.npy', mmap_mode='r')
    data = dict(split={}, annotations=[make_annotation(keypoint=mapped)])
    save_annotations(data, tmp_path / 'own.pkl')
    assert_same(
        load_annotations(tmp_path / 'own.pkl'), dict(split={}, annotations=[make_annotation()])
    )


@pytest.mark.parametrize(
    'change, part',
    [
        (lambda data: data.update(split=defaultdict(list, train=['a'])), 'holds a defaultdict'),
        (lambda data: data['annotations'][0].update(file=Path('a.npy')), 'holds a PosixPath'),
        (lambda data: data['annotations'][0].update(more=np.array([None])), 'an array of object'),
        (lambda data: data['annotations'][0].update(more=np.ma.ones(2)), 'holds a MaskedArray'),
        (lambda data: data['annotations'][0].update(more=os.getcwd), 'holds a builtin_function'),
        (lambda data: data['annotations'][0].update(keypoint_score=None), 'keypoint_score is None'),
    ],
)
def test_what_could_not_be_read_again_is_not_written(tmp_path, change, part):
    data = make_data()
    save_annotations(data, tmp_path / 'own.pkl')
    before = (tmp_path / 'own.pkl').read_bytes()
    change(data)
    with pytest.raises(InputError, match=part):
        save_annotations(data, tmp_path / 'own.pkl')
    assert (tmp_path / 'own.pkl').read_bytes() == before
