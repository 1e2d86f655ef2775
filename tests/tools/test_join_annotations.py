import pickle
from pathlib import Path

import numpy as np
import pytest

from csre_mm.datasets import SkeletonDataset, load_annotations
from tests.commands import Command, captured


def write(path, names, labels, split, joints=5, **more):
    annotations = [
        dict(
            frame_dir=name,
            label=label,
            total_frames=4,
            keypoint=np.full((1, 4, joints, 3), index + 1.0, np.float32),
            **more,
        )
        for index, (name, label) in enumerate(zip(names, labels, strict=True))
    ]
    path.write_bytes(pickle.dumps(dict(split=split, annotations=annotations)))


@pytest.fixture
def join(tmp_path, monkeypatch, capsys):
    run = captured(Command('data/join_annotations.py', tmp_path, monkeypatch), capsys)
    write(tmp_path / 'a.pkl', 'xyz', [0, 1, 2], {'train': ['x', 'y'], 'test': ['z']})
    write(tmp_path / 'b.pkl', 'xw', [0, 1], {'xsub_train': ['w'], 'xsub_val': ['x'], 'odd': []})
    write(tmp_path / 'c.pkl', 'q', [0], {}, joints=6)
    write(tmp_path / 's.pkl', 'q', [0], {}, keypoint_score=np.ones((1, 4, 5)))
    (tmp_path / 'a.txt').write_text('wave\nclap\nkick\n')
    (tmp_path / 'b.txt').write_text('jump\nclap\n')
    return run


def test_names_splits_and_classes(join):
    splits = ['--splits', 'train=train', 'test=test', 'xsub_train=train', 'xsub_val=test']
    status, out, err = join('o.pkl', 'a.pkl', 'b=b.pkl', *splits, '--classes', 'a.txt', 'b.txt')
    assert (status, err) == (0, '')
    assert out.splitlines() == [
        'o.pkl: 5 samples of 2 files',
        '  train: 3',
        '  test: 2',
        'The names of 4 classes are in o.txt.',
    ]
    with open('o.txt', encoding='utf-8') as file:
        assert file.read().split() == ['wave', 'clap', 'kick', 'jump']
    dataset = SkeletonDataset('o.pkl', pipeline=[], split='train')
    assert [dataset[i]['frame_dir'] for i in range(3)] == ['x', 'y', 'b_w']
    assert dataset.labels.tolist() == [0, 1, 1]
    labels = {s['frame_dir']: s['label'] for s in load_annotations('o.pkl')['annotations']}
    assert labels == dict(x=0, y=1, z=2, b_x=3, b_w=1)


def test_without_options_labels_and_splits_stay(join):
    assert join('o.pkl', 'a=a.pkl', 'b=b.pkl')[0] == 0
    data = load_annotations('o.pkl')
    assert data['split'] == dict(
        train=['a_x', 'a_y'], test=['a_z'], xsub_train=['b_w'], xsub_val=['b_x'], odd=[]
    )
    assert [sample['label'] for sample in data['annotations']] == [0, 1, 2, 0, 1]


def test_members_of_two_splits_come_once(join):
    write(Path('v.pkl'), 'xyz', [0, 1, 2], {'val': ['x', 'y'], 'val_clean': ['x']})
    assert join('o.pkl', 'v.pkl', '--splits', 'val=test', 'val_clean=test')[0] == 0
    assert load_annotations('o.pkl')['split'] == {'test': ['x', 'y']}


@pytest.mark.parametrize(
    'arguments, part',
    [
        (['a.pkl', 'b.pkl'], "b.pkl: sample 'x' is in a.pkl, too: give prefixes"),
        (['a.pkl', 'c.pkl'], "c.pkl: sample 'q' has 6 joints of 3 coordinates, but a.pkl: sample"),
        (['a.pkl', 's.pkl'], '5 joints of 3 coordinates with scores, but a.pkl'),
        (['a.pkl', 'b=b.pkl', '--splits', 'train=t'], 'xsub_train, xsub_val, odd, none of train'),
        (['a.pkl', '--splits', 'train'], '--splits train: expected OLD=NEW'),
        (['a.pkl', '--classes', 'a.txt', 'b.txt'], 'names 2 lists, expected one for each of 1'),
        (['a.pkl', '--splits', 'train=t', 'tset=u'], 'no file has the split tset, they have test,'),
        (['a.pkl', '--splits', 'test=t', '--classes', 'o.txt'], '--classes o.txt would be overwr'),
        (['a.pkl', '--classes', 'b.txt'], "a.pkl: sample 'z': the label 2 has no new label"),
        (['none.pkl'], 'none.pkl: no such file'),
    ],
)
def test_what_cannot_be_joined_is_one_line(join, arguments, part):
    status, out, err = join('o.pkl', *arguments)
    assert (status, out) == (2, '') and part in err and len(err.splitlines()) == 1
