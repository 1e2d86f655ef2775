"""Pickles that would run code, or end, hang or fill the process, are refused."""

import os
import pickle
import resource

import numpy as np
import pytest

from csre_mm.datasets.annotations import load_annotations
from csre_mm.utils.errors import InputError
from tests.datasets.test_annotations import (
    assert_refused,
    make_annotation,
    make_data,
)


class Malicious:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.system, (f'echo ran > {self.marker}',)


@pytest.mark.parametrize('protocol', range(2, 6))
def test_a_malicious_pickle_is_refused_and_does_not_run(tmp_path, protocol):
    path, marker = tmp_path / 'data.pkl', tmp_path / 'marker'
    bad = make_annotation(keypoint=Malicious(marker))
    path.write_bytes(pickle.dumps(dict(split={}, annotations=[bad]), protocol))
    pickle.loads(path.read_bytes())
    assert marker.exists(), 'the pickle of this test does nothing'
    marker.unlink()
    assert_refused(path, f"'{os.system.__module__}.system'")
    assert not marker.exists()


@pytest.mark.parametrize('name', ['eval', 'getattr', '__import__'])
def test_builtins_and_attributes_of_modules_are_refused(tmp_path, name):
    path = tmp_path / 'data.pkl'
    path.write_bytes(b'cbuiltins\n' + name.encode() + b'\n.')
    assert_refused(path, f"'builtins.{name}'")
    dotted = f'core.{name}'.encode()
    path.write_bytes(b'\x80\x04\x8c\x05numpy\x8c' + bytes([len(dotted)]) + dotted + b'\x93.')
    assert_refused(path, f"'numpy.core.{name}'")


def test_codecs_encode_is_for_bytes_only(tmp_path):
    path = tmp_path / 'data.pkl'
    path.write_bytes(b'c_codecs\nencode\n(Vabc\nVrot13\ntR.')
    assert_refused(path, 'rot13')


def test_an_incomplete_file_is_refused(tmp_path):
    content = pickle.dumps(make_data())
    path = tmp_path / 'data.pkl'
    for size in range(0, len(content), 7):
        path.write_bytes(content[:size])
        assert_refused(path, 'not an annotation pickle')


@pytest.mark.parametrize(
    ('old', 'new'),
    [
        (b'NNN', b'bbb'),  # ends a process that hands it to numpy.dtype
        (b'\x8c\x02f4', b'\x8c\x02O8'),
        (b'\x8c\x02f4', b'\x8c\x02V4'),
        (b'\x8c\x02f4', b'\x8c\x02f8'),
        (b'\x8c\x01<', b'\x8c\x01x'),
        (b'K\x02K\x03K\x05', b'K\x02K\xffK\x05'),
    ],
)
def test_changed_bytes_of_an_array(tmp_path, old, new):
    content = pickle.dumps(make_data(), protocol=4)
    assert old in content
    path = tmp_path / 'data.pkl'
    path.write_bytes(content.replace(old, new, 1))
    assert_refused(path)


def test_arrays_of_objects_are_refused(tmp_path):
    path = tmp_path / 'data.pkl'
    path.write_bytes(pickle.dumps([make_annotation(keypoint=np.array([None], object))]))
    assert_refused(path, 'arrays of dtype O8')


def test_tuples_that_share_their_parts_take_no_time(tmp_path):
    path = tmp_path / 'data.pkl'
    parts = (np.arange(3),)
    for _ in range(100):
        parts = (parts, parts)
    path.write_bytes(pickle.dumps([dict(extra=parts)]))
    found = load_annotations(path)['annotations'][0]['extra']
    for _ in range(100):
        assert found[0] is found[1]
        found = found[0]
    np.testing.assert_array_equal(found[0], np.arange(3))


def pairs_of_pairs(end):
    """A pickle in which a tuple holds itself 2**60 times over; ``end`` is what follows it."""
    pair = b''.join(b'\x94h' + bytes([index]) + b'\x86' for index in range(60))
    return b'\x80\x04)' + pair + end


@pytest.mark.parametrize(
    'content',
    [
        b'\x80\x04})' + b'\x85' * 200_000 + b'K\x01s.',  # C's hash of it ends the process
        b'\x80\x04}' + pairs_of_pairs(b'K\x01s.')[2:],  # C's hash of it never ends
        pairs_of_pairs(b'\x85cbuiltins\nset\n(h\x3btR.'),
        pairs_of_pairs(b'cbuiltins\nset\n(h\x3btR.'),
        b'\x80\x02}r\xff\xff\xff\x7f.',  # an index of which C makes 34 GB
        b'\x80\x02cbuiltins\nbytearray\n\x8a\x05\x00\x00\x00\x00\x10\x85R.',
        b'\x80\x05\x96\x00\x00\x00\x00\x10\x00\x00\x00abc.',
        b'\x80\x04\x8e\x00\x00\x00\x00\x10\x00\x00\x00abc.',
        pickle.dumps({complex(-1_000_003 * k, k): 0 for k in range(100)}),  # of one hash
        pickle.dumps(dict.fromkeys((i, 0) for i in range(20_000))),  # could be made so
        b'\x80\x04(' + b'\x8f' * 2_000_000 + b'l.',  # empty sets, 216 bytes each
        b'\x80\x04(' + b'}' * 4_000_000 + b'l.',
    ],
)
def test_pickles_that_would_end_hang_or_fill_a_process(tmp_path, content):
    path = tmp_path / 'data.pkl'
    path.write_bytes(content)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InputError):
        load_annotations(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < before + 300_000  # KiB


@pytest.mark.parametrize(
    'content',
    [
        b'c_codecs\nencode\n(N}Vx\nNstb.',  # sets an attribute of the function
        b'c_codecs\nencode\n)\x81.',  # encode.__new__
        b'(ios\nsystem\n.',
        b'(cos\nsystem\no.',
        b'P1\n.',
        b'\x82\x01.',
    ],
)
def test_operations_that_plain_data_does_not_need_are_refused(tmp_path, content):
    path = tmp_path / 'data.pkl'
    path.write_bytes(content)
    assert_refused(path, 'refused')
