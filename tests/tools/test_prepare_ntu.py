import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from csre_mm.datasets import annotations
from csre_mm.datasets.annotations import check_annotations, load_annotations
from tests.commands import Command, captured
from tests.ntu_files import NAME, simple, write_raw


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    return captured(Command('data/prepare_ntu.py', tmp_path, monkeypatch), capsys)


def test_a_folder_becomes_a_pickle(run, tmp_path):
    names = ['S001C001P001R001A001', 'S002C002P003R001A060']
    write_raw(tmp_path / 'raw' / 'deep', names)
    write_raw(tmp_path / 'raw' / 'more', ['S018C001P001R001A001', 'S001C001P001R001A061'])
    status, out, _ = run('raw', 'out/data.pkl', '--dataset', 'ntu60')
    assert status == 0
    assert '2 samples, 0 files skipped' in out
    assert '2 files are not of ntu60' in out
    assert '40,091' in out and '-40,090' in out
    assert 'A001 1/948  A002 0/948' in out
    data = load_annotations('out/data.pkl')
    check_annotations(data, 'out/data.pkl')
    assert data['split'] == dict(
        xsub_train=names[:1], xsub_val=names[1:], xview_train=names[1:], xview_val=names[:1]
    )
    assert [a['label'] for a in data['annotations']] == [0, 59]
    assert {a['keypoint'].shape for a in data['annotations']} == {(1, 2, 25, 3)}
    assert sorted(path.name for path in Path('out').iterdir()) == ['data.pkl', 'data.report.json']


def test_two_zips_and_workers_give_the_same_as_one_process(run, tmp_path):
    names = [
        f'S{setup:03}C001P001R001A{action:03}' for setup in (17, 18) for action in range(1, 41)
    ]
    for index, path in enumerate(['a.zip', 'b.zip']):
        with zipfile.ZipFile(path, 'w') as archive:
            for name in names[40 * index : 40 * index + 40]:
                archive.writestr(f'x/{name}.skeleton', simple())
            archive.writestr(f'__MACOSX/x/._{names[0]}.skeleton', b'junk')
            archive.writestr(f'x/._{names[0]}.skeleton', b'junk')
    for workers in (1, 2):
        status, out, err = run(
            'a.zip', 'b.zip', f'{workers}.pkl', '--dataset', 'ntu120', '--workers', workers
        )
        assert status == 0, err
        assert '80 samples, 0 files skipped' in out
    data = load_annotations('1.pkl')
    np.testing.assert_equal(load_annotations('2.pkl'), data)
    assert [a['frame_dir'] for a in data['annotations']] == names
    assert data['split']['xset_train'] == names[40:]


def test_a_good_file_is_replaced_by_a_whole_one_only(run, tmp_path, monkeypatch):
    write_raw(tmp_path / 'raw', [NAME])
    Path('data.pkl').write_bytes(b'good')

    class Interrupted:
        def __init__(self, file, protocol):
            self.file = file

        def dump(self, data):
            self.file.write(b'part')
            raise KeyboardInterrupt

    monkeypatch.setattr(annotations, 'PlainPickler', Interrupted)
    status, _, err = run('raw', 'data.pkl', '--dataset', 'ntu60')
    assert status == 130 and 'interrupted' in err
    assert Path('data.pkl').read_bytes() == b'good'
    assert sorted(path.name for path in tmp_path.iterdir()) == ['data.pkl', 'raw']


def test_the_pickle_is_one_that_anybody_can_read(run, tmp_path):
    write_raw(tmp_path / 'raw', [NAME])
    run('raw', 'data.pkl', '--dataset', 'ntu60')
    with open('data.pkl', 'rb') as file:
        data = pickle.load(file)
    np.testing.assert_equal(data, load_annotations('data.pkl'))
    assert data['annotations'][0]['frame_dir'] == NAME


def test_mmaction2_reads_the_pickle(run, tmp_path):
    from mmaction.datasets import PoseDataset

    write_raw(tmp_path / 'raw', [NAME, 'S001C001P001R001A001'])
    run('raw', 'data.pkl', '--dataset', 'ntu60')
    dataset = PoseDataset('data.pkl', pipeline=[], split='xsub_val')
    assert len(dataset) == 1
    assert dataset[0]['frame_dir'] == NAME and dataset[0]['keypoint'].shape == (1, 2, 25, 3)


def test_help_shows_examples_and_cleanings(run):
    status, out, _ = run('--help')
    assert status == 0
    for part in ('nturgbd_skeletons_s018_to_s032.zip', 'published-motion', 'OUT.report.json'):
        assert part in out
