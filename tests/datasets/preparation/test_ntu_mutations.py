"""A changed raw file gives an annotation or one clear line, whatever the change."""

import random

import numpy as np
import pytest

from csre_mm.datasets.annotations import check_annotations
from csre_mm.datasets.preparation.ntu.annotation import CLEANINGS
from csre_mm.datasets.preparation.ntu.raw import REASONS, RejectedError
from tests.datasets.preparation.faults import FAULTS, fault_files
from tests.ntu_files import FIRST, NAME, SECOND, make_annotation, moving, skeleton

NUM_FILES = 1000
JUNK = ['', 'x', 'nan', '-inf', '1e308', '-1e39', '-1', '0', '1_0', '1e', '0x10', '9' * 5000, '٣']


def change_lines(rng, data):
    lines = data.split(b'\n')
    for _ in range(rng.randint(1, 3)):
        one, two = rng.randrange(len(lines)), rng.randrange(len(lines))
        kind = rng.choice(['delete', 'double', 'swap', 'move'])
        if kind == 'delete' and len(lines) > 2:
            del lines[one]
        elif kind == 'double':
            lines.insert(two, lines[one])
        elif kind == 'swap':
            lines[one], lines[two] = lines[two], lines[one]
        else:
            lines.insert(two, lines.pop(one))
    return b'\n'.join(lines)


def change_numbers(rng, data):
    lines = data.split(b'\n')
    for _ in range(rng.randint(1, 4)):
        index = 0 if rng.random() < 0.1 else rng.randrange(len(lines))
        words = lines[index].split(b' ')
        words[rng.randrange(len(words))] = rng.choice(
            [*JUNK, str(10**18), str(rng.randint(-300, 300))]
        ).encode()
        lines[index] = b' '.join(words)
    return b'\n'.join(lines)


def change_bytes(rng, data):
    data = bytearray(data)
    for _ in range(rng.randint(1, 6)):
        place = rng.randrange(max(1, len(data) - 1))
        kind = rng.choice(['flip', 'insert', 'delete'])
        if kind == 'flip':
            data[place : place + 1] = rng.randbytes(1)
        elif kind == 'insert':
            data[place:place] = rng.randbytes(rng.randint(1, 20))
        else:
            del data[place : place + rng.randint(1, 50)]
    return bytes(data)


def truncate(rng, data):
    return data[: rng.randrange(1, len(data) + 1)]


def originals():
    first, second = moving(20, 0.05), moving(20, 0.1, seed=1)
    frames = [{FIRST: a, SECOND: b} for a, b in zip(first, second, strict=True)]
    faulty = [fault.data for fault in FAULTS.values() if fault.data]
    return [skeleton(frames), skeleton(frames[:3], '\n'), *faulty]


def mutants(count):
    rng = random.Random(7)
    sources = originals()
    for _ in range(count):
        data = rng.choice(sources)
        for _ in range(rng.choice([1, 1, 1, 2])):
            change = rng.choice([change_lines, change_numbers, change_bytes, truncate])
            data = change(rng, data) or b'\n'
        yield data


def outcome(data, cleaning):
    """The reason of the rejection, or None for a correct annotation."""
    try:
        annotation = make_annotation(data, NAME, cleaning=cleaning)
    except RejectedError as error:
        message = str(error)
        assert message.startswith(f'{NAME}.skeleton: ')
        assert message.isprintable() and len(message) < 250
        return error.reason
    check_annotations(dict(split={'all': [NAME]}, annotations=[annotation]), 'x')
    keypoint = annotation['keypoint']
    assert keypoint.dtype == np.float32
    assert 1 <= len(keypoint) <= 2 and keypoint.shape[1] > 0 and keypoint.shape[2:] == (25, 3)
    assert np.isfinite(keypoint).all() and np.abs(keypoint).max() <= 1000
    # Every frame has an actor.
    assert keypoint.any(axis=(0, 2, 3)).all()
    return None


def test_mutated_files():
    seen = [
        outcome(data, list(CLEANINGS)[index % len(CLEANINGS)])
        for index, data in enumerate(mutants(NUM_FILES))
    ]
    assert len(seen) == NUM_FILES
    # Annotations and rejections both occur.
    assert NUM_FILES // 20 < seen.count(None) < NUM_FILES // 2
    assert {'truncated', 'malformed', 'no body'} <= set(seen)
    assert set(seen) <= {None, *REASONS}


@pytest.mark.parametrize(('name', 'fault'), fault_files(), ids=FAULTS)
def test_each_fault_gives_what_it_says(name, fault):
    try:
        annotation = make_annotation(fault.data, name)
    except RejectedError as error:
        assert error.reason == fault.reason
    else:
        assert fault.reason is None
        assert len(annotation['keypoint']) == fault.persons
