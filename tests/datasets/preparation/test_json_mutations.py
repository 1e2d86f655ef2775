"""Changed JSON files of NW-UCLA are read, or refused with one line."""

import json
from collections import Counter

import numpy as np
import pytest

from csre_mm.datasets.annotations import check_annotations
from csre_mm.datasets.preparation.nw_ucla import parse_sequence
from csre_mm.utils.errors import InputError
from tests.datasets.test_mutations import assert_one_line, bounded, range_of_seeds

NAME = 'a01_s02_e03_v01'


def make_sequence(rng):
    skeletons = rng.normal(size=(rng.integers(1, 5), 20, 3)).round(3).tolist()
    return dict(file_name=NAME, skeletons=skeletons, label=int(rng.integers(1, 11)))


def encode(rng):
    return bytearray(json.dumps(make_sequence(rng)).encode())


def flip_text(rng):
    content = encode(rng)
    for place in rng.integers(len(content), size=rng.integers(1, 5)):
        content[place] = rng.integers(256)
    return content


def flip_digits(rng):
    content = encode(rng)
    place = rng.integers(len(content))
    content[place : place + 1] = [b'7', b'8', b'9' * 400, b'e999', b'-', b'.', b'e', b'"', b','][
        rng.integers(9)
    ]
    return content


def cut_text(rng):
    content = encode(rng)
    return content[: rng.integers(len(content))]


def nest_deeply(rng):
    depth = int(rng.choice([30, 70, 500, 900, 100_000]))
    opening, closing = [(b'[', b']'), (b'{"a":', b'}')][rng.integers(2)]
    nested = opening * depth + b'0' + closing * depth
    field = [b'skeletons', b'label', b'file_name'][rng.integers(3)]
    parts = dict(file_name=NAME.encode().join([b'"'] * 2), label=b'1', skeletons=b'[]')
    parts = {key.encode(): value for key, value in parts.items()} | {field: nested}
    return b'{' + b','.join(b'"%s":%s' % part for part in parts.items()) + b'}'


ITEMS = [
    *(
        None,
        True,
        '',
        '1.5',
        'x\n' * 1000,
        [],
        [[]],
        {},
        {'a': 1},
        0,
        -1,
        11,
        1.0,
        10**30,
        10**4000,
    ),
    *(float('nan'), float('inf'), -float('inf'), 1e39, 1e308, [0, 0, 0], [0] * 20, 'x' * 10**6),
]


def change_fields(rng):
    sequence = make_sequence(rng)
    skeletons = sequence['skeletons']
    frame = skeletons[rng.integers(len(skeletons))]
    holder = [sequence, skeletons, frame, frame[rng.integers(20)]][rng.integers(4)]
    keys = list(holder) if isinstance(holder, dict) else range(len(holder))
    key = keys[rng.integers(len(keys))]
    if rng.random() < 0.3:
        del holder[key]
    else:
        holder[key] = ITEMS[rng.integers(len(ITEMS))]
    try:
        return json.dumps(sequence).encode()
    except ValueError:  # Python does not write 10**4000 either
        return b'{"label": ' + b'9' * 5000 + b'}'


JSON_MUTATORS = {flip_text: 60, flip_digits: 60, cut_text: 40, nest_deeply: 40, change_fields: 100}


def test_json_files():
    outcomes = Counter()
    for mutate, seed in range_of_seeds(JSON_MUTATORS):
        content = bytes(mutate(np.random.default_rng([seed, JSON_MUTATORS[mutate]])))
        with bounded():
            try:
                annotation = parse_sequence(content, NAME, 'folder/a.json')
            except InputError as error:
                assert_one_line(error, 'folder/a.json')
                outcomes['refused'] += 1
                continue
            except Exception as error:
                pytest.fail(f'{mutate.__name__}, seed {seed}: {type(error).__name__}: {error}')
        outcomes['read'] += 1
        check_annotations(dict(split={}, annotations=[annotation]), 'x')
        assert np.isfinite(annotation['keypoint']).all() and 0 <= annotation['label'] < 10
        expected = np.float32(json.loads(content)['skeletons'])[None]
        np.testing.assert_array_equal(annotation['keypoint'], expected)
    assert sum(outcomes.values()) == 300
    assert min(outcomes.values()) >= 20
