"""Files that no program writes: each gives a correct result or one clear line, in time."""

import pickle
import resource
import signal
import struct
from collections import Counter, OrderedDict
from contextlib import contextmanager

import numpy as np
import pytest

from csre_mm.datasets.annotations import check_annotations, load_annotations
from csre_mm.datasets.checks import check_dataset
from csre_mm.utils.errors import InputError

SECONDS = 10
KIBIBYTES = 500_000


@contextmanager
def bounded():
    """End what takes too long, and fail if it takes too much memory."""

    def stop(*_):
        raise TimeoutError(f'more than {SECONDS} s')

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    previous = signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < before + KIBIBYTES


def assert_one_line(error, where):
    message = str(error.value if hasattr(error, 'value') else error)
    assert message.startswith(f'{where}: ') and len(message.splitlines()) == 1
    assert len(message) < len(str(where)) + 400


# --- annotation pickles


def make_data(rng):
    annotations = []
    for index in range(3):
        shape = (1 + index % 2, 4, 5, 2)
        annotation = dict(frame_dir=f's{index}', label=np.int64(1) if index else 0)
        annotation |= dict(total_frames=4, keypoint=rng.normal(size=shape).astype('f4'))
        annotation['keypoint_score'] = rng.uniform(size=shape[:3]).astype('f2')
        annotations.append(annotation | dict(img_shape=(1080, 1920), tags={'a', 'b'}))
    return dict(split=dict(train=['s0', 's1'], val=['s2']), annotations=annotations)


def dump(rng):
    return bytearray(pickle.dumps(make_data(rng), protocol=int(rng.choice([2, 4, 5]))))


def flip_bytes(rng):
    content = dump(rng)
    for place in rng.integers(len(content), size=rng.integers(1, 8)):
        content[place] = rng.integers(256)
    return content


def flip_bits(rng):
    content = dump(rng)
    content[rng.integers(len(content))] ^= 1 << int(rng.integers(8))
    return content


def truncate(rng):
    content = dump(rng)
    return content[: rng.integers(len(content))]


def move_a_piece(rng):
    content = dump(rng)
    start, to = rng.integers(len(content), size=2)
    piece = content[start : start + rng.integers(1, 60)]
    if rng.random() < 0.5:
        del content[start : start + len(piece)]
    content[to:to] = piece
    return content


HUGE = struct.pack('<Q', 10**15)
SPLICES = [
    *(
        bytes([code])
        for code in b'\x81\x85\x86\x87\x88\x8f\x90\x91\x92\x93\x94R0120]})(tsuaeblditNo'
    ),
    *(b'h\x00', b'h\x05', b'r\xff\xff\xff\x7f', b'q\x03', b'K\x03', b'\x85' * 300, b']' * 3000),
    *(b'\x8e' + HUGE, b'\x8d' + HUGE, b'\x96' + HUGE, b'\x95' + HUGE, b'T\xff\xff\xff\x7f'),
    *(b'cos\nsystem\n', b'Vecho\n\x85R', b'\x8c\x02os\x8c\x06system\x93', b'(ios\nsystem\n'),
    *(
        b'cnumpy\ndtype\n',
        b'cnumpy\nndarray\n',
        b'cbuiltins\nset\n',
        b'ccollections\nOrderedDict\n',
    ),
    *(b'I123\n', b'L9999999999\n', b'F1e999\n', b"S'x'\n", b'P7\n', b'\x82\x01', b'\x97\x98'),
    b'\x8b' + struct.pack('<i', 3000) + b'\x7f' * 3000,
]


def splice_operations(rng):
    content = dump(rng)
    for _ in range(rng.integers(1, 4)):
        place = rng.integers(2, len(content))
        content[place:place] = SPLICES[rng.integers(len(SPLICES))]
    return content


def nest(depth):
    value = ()
    for _ in range(depth):
        value = (value, value)
    return value


VALUES = [
    *(None, True, -1, 2**40, 2**70, 10**5000, 0.5, float('nan'), 1e300, '', '0', 'x\ny', b'x'),
    *([], {}, (), set(), [[]], {'a': 1}, nest(3), nest(50), OrderedDict(a=nest(50)), range),
    *(np.int8(-3), np.float32(2), np.str_('a'), np.bool_(True), np.dtype('f4'), np.array(3)),
    *(np.zeros((1, 4, 5, 2)), np.zeros((0, 4, 5, 2)), np.zeros((1, 0, 5, 2)), np.zeros((2, 4, 5))),
    *(np.ones((1, 4, 6, 2)), np.ones((1, 4, 5, 3)), np.full((1, 4, 5, 2), np.nan)),
    *(np.zeros((1, 4, 5, 2), 'c8'), np.zeros((1, 4, 5, 2), '?'), np.zeros((1, 4, 5, 2), 'U3')),
    *(np.full((1, 4, 5, 2), None), np.zeros((1, 4, 5, 2), 'f4,i4'), np.zeros(3, 'M8[s]')),
    *(np.empty((0, 10**15, 5, 2), 'f4'), np.ones((1, 4, 5, 2), '>f8'), np.ones((1, 4, 5, 2), 'i2')),
    np.ones((2, 4, 5, 2)).transpose(3, 1, 2, 0),
]


def change_structure(rng):
    data = make_data(rng)
    annotation = data['annotations'][rng.integers(3)]
    value = VALUES[rng.integers(len(VALUES))]
    holder, keys = [
        (annotation, list(annotation)),
        (annotation, ['frame_dir', 'label', 'total_frames', 'keypoint', 'keypoint_score']),
        (data['annotations'], range(3)),
        (data['split'], ['train', 'val', 'new', 3]),
        (data['split']['train'], range(2)),
        (data, ['split', 'annotations']),
    ][rng.choice(6, p=[0.2, 0.5, 0.05, 0.1, 0.05, 0.1])]
    key = keys[rng.integers(len(keys))]
    if rng.random() < 0.2 and (isinstance(holder, list) or key in holder):
        del holder[key]
    else:
        holder[key] = value
    return pickle.dumps(data, protocol=int(rng.choice([2, 4, 5])))


def claim_a_size(rng):
    """An array whose shape is not that of its bytes."""
    content = bytes(pickle.dumps(make_data(rng), protocol=int(rng.choice([4, 5]))))
    size = [b'\x8a\x07' + (10**15).to_bytes(7, 'little'), b'K\x00', b'J\xff\xff\xff\xff', b'N'][
        rng.integers(4)
    ]
    shape = b'K\x04K\x05K\x02'  # of a keypoint, behind the number of persons
    place = content.index(shape) + 2 * rng.integers(3)
    return content[:place] + size + content[place + 2 :]


MUTATORS = {
    flip_bytes: 90,
    flip_bits: 50,
    truncate: 30,
    move_a_piece: 40,
    splice_operations: 60,
    change_structure: 110,
    claim_a_size: 20,
}


def assert_correct(data):
    """The requirements of the format, checked independently."""
    names = [annotation['frame_dir'] for annotation in data['annotations']]
    assert len(set(names)) == len(names)
    for annotation in data['annotations']:
        assert type(annotation['frame_dir']) is str and annotation['label'] >= 0
        keypoint, score = annotation['keypoint'], annotation.get('keypoint_score')
        assert keypoint.dtype.kind in 'fiu' and keypoint.size
        assert keypoint.shape == (len(keypoint), annotation['total_frames'], *keypoint.shape[2:])
        assert keypoint.ndim == 4 and (score is None or score.shape == keypoint.shape[:3])
        np.array([annotation['label']], dtype=np.int64)
    for members in data['split'].values():
        assert set(members) <= set(names)


def read(path):
    """Read, check and list; returns whether the file was refused."""
    try:
        data = load_annotations(path)
    except InputError as error:
        assert_one_line(error, path)
        return 'refused'
    report = check_dataset(data)
    assert all(len(str(line).splitlines()) == 1 for line in (*report.findings, *report.counts()))
    try:
        check_annotations(data, path)
    except InputError as error:
        assert_one_line(error, path)
        assert report.findings
        return 'structure'
    assert not [finding for finding in report.findings if finding.kind in ('structure', 'names')]
    assert_correct(data)
    return 'read'


def range_of_seeds(mutators):
    return [(mutate, seed) for mutate, count in mutators.items() for seed in range(count)]


def test_annotation_files(tmp_path):
    path = tmp_path / 'data.pkl'
    outcomes = Counter()
    for mutate, seed in range_of_seeds(MUTATORS):
        content = mutate(np.random.default_rng([seed, MUTATORS[mutate]]))
        path.write_bytes(content)
        with bounded():
            try:
                outcomes[read(path)] += 1
            except Exception as error:
                pytest.fail(f'{mutate.__name__}, seed {seed}: {type(error).__name__}: {error}')
    assert sum(outcomes.values()) == 400
    # None of the three outcomes dominates.
    assert min(outcomes[kind] for kind in ('refused', 'structure', 'read')) >= 40


def test_the_files_that_are_mutated_are_good(tmp_path):
    path = tmp_path / 'data.pkl'
    for seed in range(10):
        path.write_bytes(dump(np.random.default_rng(seed)))
        assert read(path) == 'read'


# --- NW-UCLA's JSON files
